/** The models that were asked last, ready on the device, within a bound of bytes. */
import { type Backend, modelWeights, OutOfMemoryError, type Prediction, Predictor } from "../../engine/index.ts";
import type { ModelDescription, ModelParts } from "./protocol.ts";

export interface ReadyModel extends ModelDescription {
  readonly key: string;
  readonly predictor: Predictor;
  readonly at: ModelParts["at"];
}

interface Entry {
  readonly model: ReadyModel;
  /** All that the device holds for it: weights, recorded programs, what they work in. */
  bytes: number;
}

export class ModelCache {
  /** In the order of last use: a Map keeps the order of insertion, so the first is the one to go. */
  readonly #entries = new Map<string, Entry>();
  readonly #backend: Backend;
  readonly #maxBytes: number;

  constructor(backend: Backend, maxBytes: number) {
    this.#backend = backend;
    this.#maxBytes = maxBytes;
  }

  /** How many models are ready, and the bytes that they hold. */
  get size(): { readonly models: number; readonly bytes: number } {
    const bytes = [...this.#entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    return { models: this.#entries.size, bytes };
  }

  get(key: string): ReadyModel | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.model;
  }

  /** Makes a model ready; a single one larger than the bound is kept, too, until the next comes. */
  add(key: string, { checkpoint, which, ...parts }: ModelParts): ReadyModel {
    const known = this.get(key);
    if (known) return known;
    const weights = modelWeights(checkpoint, which);
    const { layers, preprocess } = parts;
    const { made: predictor, bytes } = this.#making(key, () =>
      Predictor.create(layers, weights, preprocess.shape, this.#backend),
    );
    const model = { ...parts, key, predictor };
    this.#entries.set(key, { model, bytes });
    this.#shrink(key);
    return model;
  }

  /** Asks a model that is in the cache. */
  predict({ key, predictor }: ReadyModel, inputs: Float32Array, count: number): Prediction {
    const { made, bytes } = this.#making(key, () => predictor.predict(inputs, count));
    const entry = this.#entries.get(key);
    // What the first questions of each size have recorded stays.
    if (entry && bytes !== 0) {
      entry.bytes += bytes;
      this.#shrink(key);
    }
    return made;
  }

  /** Others make room where the device has none. */
  #making<T>(key: string, make: () => T): { made: T; bytes: number } {
    for (;;) {
      const before = this.#backend.memory.live;
      try {
        const made = make();
        return { made, bytes: this.#backend.memory.live - before };
      } catch (error) {
        if (!(error instanceof OutOfMemoryError) || !this.#dropOldest(key)) throw error;
      }
    }
  }

  #shrink(kept: string): void {
    while (this.size.bytes > this.#maxBytes && this.#dropOldest(kept));
  }

  #dropOldest(kept: string): boolean {
    for (const [key, { model }] of this.#entries) {
      if (key === kept) continue;
      model.predictor.dispose();
      this.#entries.delete(key);
      return true;
    }
    return false;
  }
}
