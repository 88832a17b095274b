/** A data set on the device: a batch is one gather along an order, at a cursor that lives on the device too. */
import type { Device, Storage } from "../device.ts";
import { empty } from "../ops/op.ts";
import type { RandomStream } from "../random.ts";
import { elementCount, type Shape } from "../shape.ts";
import { type DType, Tensor } from "../tensor.ts";
import type { Examples, ExpectedExamples } from "./plan.ts";

export class Batches {
  readonly count: number;
  readonly #device: Device;
  readonly #inputs: Tensor;
  readonly #targets: Tensor;
  readonly #weights: Tensor | null;
  readonly #order: Storage;
  readonly #cursor: Storage;

  constructor(device: Device, examples: Examples | ExpectedExamples) {
    const { count, inputs, inputShape, targets, targetShape } = examples;
    this.count = count;
    this.#device = device;
    this.#inputs = upload(device, inputs, [count, ...inputShape]);
    this.#targets = upload(device, targets, [count, ...targetShape]);
    this.#weights = examples.weights ? upload(device, examples.weights, [count]) : null;
    this.#order = device.allocatePersistent(count * 4);
    // Samples that are only expected come in no order.
    if (typeof inputs !== "string")
      device.backend.write(
        this.#order.buffer,
        new Int32Array(count).map((_, i) => i),
      );
    this.#cursor = device.store(new Int32Array(1));
  }

  get cursor(): number {
    return this.#device.backend.read(this.#cursor.buffer, new Int32Array(1))[0] ?? 0;
  }
  set cursor(at: number) {
    this.#device.backend.write(this.#cursor.buffer, Int32Array.of(at));
  }

  shuffle(stream: RandomStream): void {
    stream.permute(this.#order, this.count);
  }

  /** Which rows of the data the next `count` samples are. */
  rows(count: number): number[] {
    const order = this.#device.backend.read(this.#order.buffer, new Int32Array(this.count));
    const from = this.cursor;
    return Array.from(order.subarray(from, from + count));
  }

  /** The next `rows` samples; the cursor moves on. Instructions only, so a captured step repeats with the next batch. */
  next(rows: number): { inputs: Tensor; targets: Tensor; weights?: Tensor } {
    const batch = {
      inputs: this.#gather(this.#inputs, rows),
      targets: this.#gather(this.#targets, rows),
      ...(this.#weights && { weights: this.#gather(this.#weights, rows) }),
    };
    this.#device.run("advance", [this.#cursor.buffer], [rows]);
    return batch;
  }

  #gather(from: Tensor, rows: number): Tensor {
    const sample: Shape = from.shape.slice(1);
    const out = empty(this.#device, [rows, ...sample], from.dtype);
    const buffers = [out.storage.buffer, from.storage.buffer, this.#order.buffer, this.#cursor.buffer];
    this.#device.run("gatherBatch", buffers, [rows, elementCount(sample)]);
    return out;
  }
}

function upload(device: Device, values: Float32Array | Int32Array | DType, shape: Shape): Tensor {
  if (typeof values === "string") {
    return new Tensor(device.allocatePersistent(Math.max(4, elementCount(shape) * 4)), shape, values);
  }
  const dtype: DType = values instanceof Int32Array ? "int32" : "float32";
  return new Tensor(device.storeShared(values), shape, dtype);
}
