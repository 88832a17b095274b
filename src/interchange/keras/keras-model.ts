/** A Keras model under construction: constructors one after another, and the weights of each as Keras wants them. */
import type { Weights } from "../../engine/nn/module.ts";
import type { Term } from "../../engine/sparse-map.ts";
import { denseMap } from "../arrays.ts";
import type { PlacedLayer } from "../layer-rules.ts";
import { literal } from "../python/source.ts";
import { NotExpressibleError } from "../trained-file.ts";

export class KerasModel {
  readonly calls: string[] = [];
  /** Classes of forms.py that are needed. */
  readonly forms: Set<string>;
  /** By where they belong: `3/0` is the first weight of layer 3, `3/self_attn/0` that of a part of it. */
  readonly arrays: Map<string, Weights>;
  readonly #weights: ReadonlyMap<string, Weights>;
  readonly #prefix: string;
  /** Dimensions of the positions while channels are last; 0 while they are first, as in the job. */
  #channelsLast = 0;

  constructor(weights: ReadonlyMap<string, Weights>, outer?: KerasModel, prefix = "") {
    this.#weights = weights;
    this.forms = outer?.forms ?? new Set();
    this.arrays = outer?.arrays ?? new Map();
    this.#prefix = prefix;
  }

  /** A layer of Keras. Its weights come in the order of its `get_weights()`, or by the parts that have them. */
  add(call: string, weights: readonly Weights[] | Readonly<Record<string, readonly Weights[]>> = []): void {
    const place = `${this.#prefix}${this.calls.length}`;
    const parts = Array.isArray(weights) ? { "": weights } : weights;
    for (const [part, arrays] of Object.entries(parts)) {
      for (const [i, array] of arrays.entries())
        this.arrays.set([place, part, String(i)].filter(Boolean).join("/"), array);
    }
    this.calls.push(call);
  }

  /** One that forms.py has. */
  form(name: string, args: string, weights?: Parameters<KerasModel["add"]>[1]): void {
    this.forms.add(name);
    this.add(`${name}(${args})`, weights);
  }

  /** Layers inside of the next one. */
  inside(): KerasModel {
    return new KerasModel(this.#weights, this, `${this.#prefix}${this.calls.length}/inner/`);
  }

  weight(name: string): Weights {
    const weight = this.#weights.get(name);
    if (!weight) throw new Error(`The model has no weight ${name}.`);
    return weight;
  }

  /** Those of these weights that the model has. */
  existing(...names: readonly string[]): Weights[] {
    return names.flatMap((name) => this.#weights.get(name) ?? []);
  }

  has(name: string): boolean {
    return this.#weights.has(name);
  }

  /** Where channels lie just now, counted with the batch. */
  get channelAxis(): number {
    return this.#channelsLast > 0 ? -1 : 1;
  }

  /** Lets the next layers have channels last, where positions have so many dimensions. */
  channelsLast(dimensions: number): void {
    if (this.#channelsLast > 0) return;
    this.#permute([...Array.from({ length: dimensions }, (_, i) => i + 2), 1]);
    this.#channelsLast = dimensions;
  }

  /** Back to the job's own order. */
  channelsFirst(): void {
    const dimensions = this.#channelsLast;
    if (dimensions > 0) this.#permute([dimensions + 1, ...Array.from({ length: dimensions }, (_, i) => i + 1)]);
    this.#channelsLast = 0;
  }

  #permute(order: readonly number[]): void {
    this.add(`layers.Permute(${literal(order)})`);
  }

  /** What is linear along one dimension, counted with the batch. */
  linearMap(axis: number, length: number, rows: readonly (readonly Term[])[]): void {
    this.form("AlongAxis", `${axis}, ${length}, ${rows.length}`, [denseMap(length, rows)]);
  }
}

/** Says which layer: `2.0` is `model.layers[2].layers[0]`. */
export function inexpressible({ name, type }: PlacedLayer<unknown>, why: string): NotExpressibleError {
  const path = name.split(".").map((i) => `.layers[${i}]`);
  return new NotExpressibleError(`model${path.join("")}`, `${type} can't be written for Keras: ${why}`);
}
