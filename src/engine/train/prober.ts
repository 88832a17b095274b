/**
 * Asks a model in the middle of its training: evaluation mode, no gradients, as many rows at a time as a batch has, so that it
 * needs no more memory than a step. Nothing that the training uses is changed: it goes on to the same bits as if nobody had asked.
 */
import { noGrad } from "../autograd.ts";
import type { Device } from "../device.ts";
import type { Module } from "../nn/module.ts";
import { persistent } from "../random.ts";
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
  readonly #rows: number;
  readonly #inputs: Tensor;
  readonly #outputs: Tensor;
  readonly #program: Replayable<"ask">;

  /** `rows` at a time; shapes are of one sample. */
  constructor(
    device: Device,
    parts: { model: Module; inputShape: Shape; outputShape: Shape; rows: number; compiled: boolean },
  ) {
    const { model, inputShape, outputShape, rows, compiled } = parts;
    this.#device = device;
    this.#model = model;
    this.#rows = rows;
    // Zeros, which every model can be asked for, where fewer samples come than it takes at a time.
    const shape = [rows, ...inputShape];
    this.#inputs = new Tensor(device.store(new Float32Array(elementCount(shape))), shape);
    this.#outputs = persistent([rows, ...outputShape], device);
    this.#program = new Replayable(device, compiled, () =>
      noGrad(() => {
        const output = model.forward(this.#inputs);
        device.run("copy", [this.#outputs.storage.buffer, output.storage.buffer], [output.size]);
      }),
    );
  }

  /** `inputs`: samples one after another, as the first layer gets them. Null when `shouldStop` said so before the end. */
  ask(inputs: Float32Array, shouldStop: () => boolean): Answers | null {
    return this.#inEvaluation(() => {
      const { backend } = this.#device;
      const width = this.#inputs.size / this.#rows;
      const outputWidth = this.#outputs.size / this.#rows;
      const count = inputs.length / width;
      const outputs = new Float32Array(count * outputWidth);
      for (let done = 0; done < count; done += this.#rows) {
        if (shouldStop()) return null;
        const end = done + this.#rows;
        // What a shorter last part leaves of the one before is computed, too, and not looked at.
        backend.write(this.#inputs.storage.buffer, inputs.subarray(done * width, end * width));
        this.#program.run("ask", 1);
        backend.read(this.#outputs.storage.buffer, outputs.subarray(done * outputWidth, end * outputWidth));
      }
      return { outputs, outputShape: this.#outputs.shape.slice(1) };
    });
  }

  /** Answers for what lies there: where nothing is computed, so that its memory is counted. */
  rehearse(): void {
    this.#inEvaluation(() => this.#program.run("ask", 1));
  }

  #inEvaluation<T>(body: () => T): T {
    this.#model.eval();
    try {
      return body();
    } finally {
      this.#model.train();
    }
  }

  dispose(): void {
    this.#program.dispose();
  }
}
