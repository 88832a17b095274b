/** A Keras model under construction: constructors one after another, and the weights of each as Keras wants them. */
import { elementCount, type Shape } from "../../engine/definitions.ts";
import type { Weights } from "../../engine/nn/module.ts";
import type { Term } from "../../engine/sparse-map.ts";
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
    const matrix = new Float32Array(length * rows.length);
    rows.forEach((terms, row) => {
      for (const [element, weight] of terms) {
        const at = element * rows.length + row;
        matrix[at] = (matrix[at] ?? 0) + weight;
      }
    });
    this.form("AlongAxis", `${axis}, ${length}, ${rows.length}`, [{ shape: [length, rows.length], data: matrix }]);
  }
}

/** The dimensions of a weight in another order. */
export function permuted({ shape, data }: Weights, order: readonly number[]): Weights {
  const strides = shape.map((_, i) => elementCount(shape.slice(i + 1)));
  const out: Shape = order.map((i) => shape[i] ?? 1);
  const values = new Float32Array(data.length);
  const place = new Array<number>(out.length).fill(0);
  for (let i = 0; i < values.length; i++) {
    values[i] = data[order.reduce((sum, from, to) => sum + (place[to] ?? 0) * (strides[from] ?? 0), 0)] ?? 0;
    for (let d = out.length - 1; d >= 0; d--) {
      place[d] = (place[d] ?? 0) + 1;
      if ((place[d] ?? 0) < (out[d] ?? 1)) break;
      place[d] = 0;
    }
  }
  return { shape: out, data: values };
}

export const transposed = (weight: Weights): Weights => permuted(weight, [1, 0]);

/** `2.0` → `model.layers[2].layers[0]` */
export const pathOf = ({ name }: PlacedLayer<unknown>): string =>
  `model${name
    .split(".")
    .map((i) => `.layers[${i}]`)
    .join("")}`;

export function inexpressible(layer: PlacedLayer<unknown>, why: string): NotExpressibleError {
  return new NotExpressibleError(pathOf(layer), `${layer.type} can't be written for Keras: ${why}`);
}
