/**
 * Asks a model in the middle of its training: evaluation mode, no gradients, as many rows at a time as a batch has, so that it
 * needs no more memory than a step. Nothing that the training uses is changed: it goes on to the same bits as if nobody had asked.
 */
import { noGrad } from "../autograd.ts";
import type { Device } from "../device.ts";
import type { Module } from "../nn/module.ts";
import { elementCount, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { Replayable } from "./replayable.ts";

/** Of one sample's shape, flattened: `outputs` holds those of one sample after the other. */
export interface Answers {
  readonly outputs: Float32Array<ArrayBuffer>;
  readonly outputShape: Shape;
}

export class Prober {
  readonly #device: Device;
  readonly #model: Module;
  readonly #inputs: Tensor;
  readonly #program: Replayable<"ask">;
  /** There once the model has answered, which says of what shape. */
  #outputs: Tensor | null = null;

  /** `rows` at a time. */
  constructor(device: Device, parts: { model: Module; inputShape: Shape; rows: number; compiled: boolean }) {
    const { model, inputShape, rows, compiled } = parts;
    this.#device = device;
    this.#model = model;
    const shape = [rows, ...inputShape];
    // Zeros, which every model can be asked for, where fewer samples come than it takes at a time.
    this.#inputs = new Tensor(device.store(new Float32Array(elementCount(shape))), shape);
    this.#program = new Replayable(device, compiled, () =>
      noGrad(() => {
        const output = model.forward(this.#inputs);
        this.#outputs ??= new Tensor(device.allocatePersistent(Math.max(4, output.size * 4)), output.shape);
        device.run("copy", [this.#outputs.storage.buffer, output.storage.buffer], [output.size]);
      }),
    );
  }

  /** `inputs`: samples one after another, as the first layer gets them. Null when `shouldStop` said so before the end. */
  ask(inputs: Float32Array, shouldStop: () => boolean): Answers | null {
    const [rows = 1, ...inputShape] = this.#inputs.shape;
    const width = elementCount(inputShape);
    const parts: Float32Array[] = [];
    for (let at = 0; at < inputs.length; at += rows * width) {
      if (shouldStop()) return null;
      const part = inputs.subarray(at, at + rows * width);
      // What a shorter last part leaves of the one before is computed, too, and not looked at.
      this.#device.backend.write(this.#inputs.storage.buffer, part);
      this.rehearse();
      parts.push(this.#answer().subarray(0, (part.length / width) * elementCount(this.#outputShape)));
    }
    return { outputs: joined(parts), outputShape: this.#outputShape };
  }

  /** Answers for what lies there: where nothing is computed, so that its memory is counted. */
  rehearse(): void {
    this.#model.eval();
    try {
      this.#program.run("ask", 1);
    } finally {
      this.#model.train();
    }
  }

  dispose(): void {
    this.#program.dispose();
  }

  get #outputShape(): Shape {
    return this.#outputs?.shape.slice(1) ?? [];
  }

  #answer(): Float32Array {
    return this.#outputs ? Float32Array.from(this.#outputs.data()) : new Float32Array();
  }
}

function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
