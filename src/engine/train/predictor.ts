/** Predictor: a trained model that answers. Evaluation mode, no gradients, any number of samples at once. */
import { noGrad } from "../autograd.ts";
import type { Backend } from "../backend.ts";
import { Device, useDevice } from "../device.ts";
import { buildModel, type LayerSpec } from "../nn/build.ts";
import type { Weights } from "../nn/module.ts";
import type { Sequential } from "../nn/sequential.ts";
import { elementCount, type Shape } from "../shape.ts";
import { tensor } from "../tensor.ts";

/** Rows per forward pass, so that a large request needs no more memory than a small one. */
const BATCH = 1024;

export class Predictor {
  readonly #model: Sequential;
  readonly #device: Device;

  static create(layers: readonly LayerSpec[], weights: ReadonlyMap<string, Weights>, backend: Backend): Predictor {
    return new Predictor(layers, weights, useDevice(new Device(backend)));
  }

  private constructor(layers: readonly LayerSpec[], weights: ReadonlyMap<string, Weights>, device: Device) {
    this.#device = device;
    this.#model = buildModel(layers).loadStateDict(weights).eval();
  }

  /** `inputs`: `count` samples of `inputShape`, one after another. `outputShape` is of one sample. */
  predict(inputs: Float32Array, count: number, inputShape: Shape): { outputs: Float32Array; outputShape: Shape } {
    const width = elementCount(inputShape);
    const parts: Float32Array[] = [];
    let outputShape: Shape = [];
    for (let start = 0; start < count; start += BATCH) {
      const rows = Math.min(BATCH, count - start);
      const part = inputs.subarray(start * width, (start + rows) * width);
      this.#device.scope(
        () =>
          noGrad(() => {
            const output = this.#model.forward(tensor(part, [rows, ...inputShape], { device: this.#device }));
            outputShape = output.shape.slice(1);
            parts.push(Float32Array.from(output.data()));
          }),
        () => [],
      );
    }
    return { outputs: joined(parts), outputShape };
  }

  /** Frees the weights. */
  dispose(): void {
    this.#device.dispose();
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const out = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
