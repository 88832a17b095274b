/**
 * Predictor: a trained model that answers. Evaluation mode, no gradients, any number of samples at once. The forward
 * pass is recorded once for each size of batch and replayed; sizes are powers of two, so that a few programs serve all.
 */
import { noGrad } from "../autograd.ts";
import type { Backend } from "../backend.ts";
import { type CapturedProgram, Device, type Storage, withDevice } from "../device.ts";
import { buildModel, type LayerSpec } from "../nn/build.ts";
import type { Weights } from "../nn/module.ts";
import type { Sequential } from "../nn/sequential.ts";
import { toFloat } from "../ops/index.ts";
import { elementCount, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** Samples of one forward pass, at most: more gain nothing. */
const MOST_ROWS = 1024;
/** What a forward pass may hold beside the weights, unless a single sample needs more. */
const MOST_BYTES = 32 * 2 ** 20;

export interface Prediction {
  /** Of all samples, one after another. */
  readonly outputs: Float32Array<ArrayBuffer>;
  /** Of one sample. */
  readonly outputShape: Shape;
}

export class Predictor {
  readonly #device: Device;
  readonly #model: Sequential;
  readonly #inputShape: Shape;
  readonly #passes = new Map<number, Pass>();
  #limits: Limits | null = null;
  /**
   * Whether the outputs of a sample depend on those predicted with it: so for batch normalisation without running
   * statistics, and for nothing else. Of other models, any samples may be predicted together.
   */
  readonly mixesSamples: boolean;

  /** `inputShape` is of one sample. Throws OutOfMemoryError, as `predict` may. */
  static create(
    layers: readonly LayerSpec[],
    weights: ReadonlyMap<string, Weights>,
    inputShape: Shape,
    backend: Backend,
  ): Predictor {
    const device = new Device(backend);
    try {
      return withDevice(device, () => new Predictor(device, layers, weights, inputShape));
    } catch (error) {
      device.dispose();
      throw error;
    }
  }

  private constructor(
    device: Device,
    layers: readonly LayerSpec[],
    weights: ReadonlyMap<string, Weights>,
    inputShape: Shape,
  ) {
    this.#device = device;
    this.#inputShape = inputShape;
    this.#model = buildModel(layers).loadStateDict(weights).eval();
    this.mixesSamples = [...this.#model.namedModules()].some(([, module]) => module.mixesSamples);
  }

  /** `inputs`: `count` samples, one after another. */
  predict(inputs: Float32Array, count: number): Prediction {
    return withDevice(this.#device, () => this.#predict(inputs, count));
  }

  #predict(inputs: Float32Array, count: number): Prediction {
    this.#limits ??= this.#measure();
    const { outputShape, mostRows } = this.#limits;
    const { backend } = this.#device;
    const [width, outputWidth] = [elementCount(this.#inputShape), elementCount(outputShape)];
    const outputs = new Float32Array(count * outputWidth);
    for (let done = 0, rows = 0; done < count; done += rows) {
      rows = Math.min(count - done, mostRows);
      if (!this.mixesSamples) rows = powerOfTwo(rows);
      const { input, output, program } = this.#pass(rows, outputWidth);
      backend.write(input.buffer, inputs.subarray(done * width, (done + rows) * width));
      program.run(1);
      backend.read(output.buffer, outputs.subarray(done * outputWidth, (done + rows) * outputWidth));
    }
    return { outputs, outputShape };
  }

  /** A trial with one sample says what each costs, and so how many may go together. */
  #measure(): Limits {
    const width = elementCount(this.#inputShape);
    const sample = this.#device.allocatePersistent(width * 4);
    let outputShape: Shape = [];
    const trial = this.#device.capture(() => {
      outputShape = this.#forward(sample, 1).shape.slice(1);
    });
    const bytes = trial.arenaBytes + 4 * (width + elementCount(outputShape));
    trial.dispose();
    this.#device.free(sample);
    return { outputShape, mostRows: powerOfTwo(Math.min(MOST_ROWS, Math.max(1, MOST_BYTES / bytes))) };
  }

  #pass(rows: number, outputWidth: number): Pass {
    const known = this.#passes.get(rows);
    if (known) return known;
    // Batches of a model that mixes samples have all sizes, too many to keep a program for each.
    if (this.mixesSamples) this.#forget();
    const input = this.#device.allocatePersistent(rows * elementCount(this.#inputShape) * 4);
    const output = this.#device.allocatePersistent(rows * outputWidth * 4);
    const program = this.#device.capture(() => {
      const outputs = this.#forward(input, rows);
      this.#device.run("copy", [output.buffer, outputs.storage.buffer], [outputs.size]);
    });
    const pass = { input, output, program };
    this.#passes.set(rows, pass);
    return pass;
  }

  #forget(): void {
    for (const { input, output, program } of this.#passes.values()) {
      program.dispose();
      this.#device.free(input);
      this.#device.free(output);
    }
    this.#passes.clear();
  }

  #forward(input: Storage, rows: number): Tensor {
    return noGrad(() => toFloat(this.#model.forward(new Tensor(input, [rows, ...this.#inputShape]))));
  }

  /** Frees the weights and all else that it holds. */
  dispose(): void {
    this.#forget();
    this.#device.dispose();
  }
}

interface Limits {
  /** Of one sample. */
  readonly outputShape: Shape;
  /** Samples of one forward pass. */
  readonly mostRows: number;
}

/** The forward pass of so many samples, and where they come from and go to. */
interface Pass {
  readonly input: Storage;
  readonly output: Storage;
  readonly program: CapturedProgram;
}

/** The largest that is not above `limit`. */
function powerOfTwo(limit: number): number {
  return 2 ** Math.floor(Math.log2(limit));
}
