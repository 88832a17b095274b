/** Sums over an epoch, kept on the device: the loss, and the table from which metrics are computed. */
import type { TypedArray } from "../backend.ts";
import type { Device, Storage } from "../device.ts";
import { type MetricDefinition, metrics, metricTable } from "../metrics/index.ts";
import type { LossDefinition } from "../nn/definition.ts";
import { argmax, ge, toInt } from "../ops/index.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

export class Tally {
  readonly #device: Device;
  readonly #total: Storage;
  readonly #table: Storage;
  readonly #tableLength: number;
  readonly #classes: number;
  readonly #wanted: readonly MetricDefinition[];
  readonly #loss: LossDefinition;

  /** `output`: the shape of one sample's output. */
  constructor(device: Device, loss: LossDefinition, output: Shape, names: readonly string[]) {
    this.#device = device;
    this.#loss = loss;
    this.#wanted = names.flatMap((name) => metrics.get(name) ?? []);
    this.#classes = loss.targets === "index" ? (output[0] ?? 1) : 2;
    this.#tableLength = metricTable(loss) === "confusion" ? this.#classes ** 2 : 5;
    this.#total = device.store(new Float64Array(1));
    this.#table = device.store(new Float64Array(this.#tableLength));
  }

  /** Adds one batch, by instructions alone. */
  add(loss: Tensor, output: Tensor, target: Tensor): void {
    const rows = output.shape[0] ?? 0;
    this.#device.run("accumulate", [this.#total.buffer, loss.storage.buffer], [rows]);
    if (this.#wanted.length === 0) return;
    const table = this.#table.buffer;
    if (metricTable(this.#loss) === "residuals") {
      this.#device.run("residuals", [table, output.storage.buffer, target.storage.buffer], [output.size]);
      return;
    }
    const { predicted, wanted } = this.#decide(output, target);
    this.#device.run(
      "confusion",
      [table, wanted.storage.buffer, predicted.storage.buffer],
      [predicted.size, this.#classes],
    );
  }

  /** Class indices (int32) of what was predicted and of what was wanted, in the same order. */
  #decide(output: Tensor, target: Tensor): { predicted: Tensor; wanted: Tensor } {
    const { threshold } = this.#loss;
    if (threshold !== undefined) {
      return { predicted: toInt(ge(output, threshold)), wanted: toInt(ge(target, 0.5)) };
    }
    return { predicted: argmax(output, 1), wanted: target.dtype === "int32" ? target : argmax(target, 1) };
  }

  reset(): void {
    this.state = new Float64Array(1 + this.#tableLength);
  }

  /** [loss total, …table], for a checkpoint in the middle of an epoch. */
  get state(): Float64Array {
    const total = this.#read(this.#total, 1);
    const table = this.#read(this.#table, this.#tableLength);
    return Float64Array.of(...total, ...table);
  }
  set state(values: Float64Array) {
    const write = (to: Storage, part: TypedArray): void => this.#device.backend.write(to.buffer, part);
    write(this.#total, values.slice(0, 1));
    write(this.#table, values.slice(1));
  }

  /** Mean loss over `samples`, and the metrics by name. */
  result(samples: number): { loss: number; metrics: Record<string, number> } {
    const table = this.#read(this.#table, this.#tableLength);
    return {
      loss: (this.#read(this.#total, 1)[0] ?? 0) / samples,
      metrics: Object.fromEntries(this.#wanted.map((metric) => [metric.name, metric.compute(table)])),
    };
  }

  #read(from: Storage, length: number): Float64Array {
    return this.#device.backend.read(from.buffer, new Float64Array(length));
  }
}
