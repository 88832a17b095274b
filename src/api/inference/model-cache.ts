/** The models that were asked last, ready on the device, within a bound of bytes. */
import type { FittedPreprocess } from "../../data/index.ts";
import { type Backend, modelWeights, OutOfMemoryError, Predictor } from "../../engine/index.ts";
import type { ModelParts } from "./protocol.ts";

export interface ReadyModel {
  readonly layers: ModelParts["layers"];
  readonly predictor: Predictor;
  readonly preprocess: FittedPreprocess;
  readonly bytes: number;
}

export class ModelCache {
  /** In the order of last use: a Map keeps the order of insertion, so the first is the one to go. */
  readonly #models = new Map<string, ReadyModel>();
  readonly #backend: Backend;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(backend: Backend, maxBytes: number) {
    this.#backend = backend;
    this.#maxBytes = maxBytes;
  }

  get(key: string): ReadyModel | undefined {
    const model = this.#models.get(key);
    if (!model) return undefined;
    this.#models.delete(key);
    this.#models.set(key, model);
    return model;
  }

  /** Makes a model ready; a single one larger than the bound is kept, too, until the next comes. */
  add(key: string, parts: ModelParts): ReadyModel {
    const known = this.get(key);
    if (known) return known;
    const weights = modelWeights(parts.checkpoint, parts.which);
    const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    while (this.#bytes + bytes > this.#maxBytes && this.#dropOldest());
    const { layers, preprocess } = parts;
    const model = { layers, predictor: this.#load(parts, weights), preprocess, bytes };
    this.#models.set(key, model);
    this.#bytes += bytes;
    return model;
  }

  #load({ layers }: ModelParts, weights: ReturnType<typeof modelWeights>): Predictor {
    for (;;) {
      try {
        return Predictor.create(layers, weights, this.#backend);
      } catch (error) {
        if (!(error instanceof OutOfMemoryError) || !this.#dropOldest()) throw error;
      }
    }
  }

  #dropOldest(): boolean {
    const [oldest] = this.#models;
    if (!oldest) return false;
    const [key, { predictor, bytes }] = oldest;
    predictor.dispose();
    this.#models.delete(key);
    this.#bytes -= bytes;
    return true;
  }
}
