/** A graph under construction: ops by name, each giving the name of what it computes. */
import { elementCount, type Shape } from "../../engine/definitions.ts";
import type { Weights } from "../../engine/nn/module.ts";
import type { Term } from "../../engine/sparse-map.ts";
import { denseMap } from "../arrays.ts";
import type { Attribute, GraphProto, NodeProto, TensorProto, ValueInfo } from "./model.ts";

export class Graph {
  readonly #weights: ReadonlyMap<string, Weights>;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: Map<string, TensorProto>;
  readonly #constants: Map<string, string>;
  readonly #taken: Set<string>;
  /** What nodes are called after: the layer that they are part of. */
  scope = "";

  /** `outer`: the graph that a loop's body is part of; weights and constants lie there. */
  constructor(weights: ReadonlyMap<string, Weights>, outer?: Graph) {
    this.#weights = weights;
    this.#initializers = outer ? outer.#initializers : new Map();
    this.#constants = outer ? outer.#constants : new Map();
    this.#taken = outer ? outer.#taken : new Set();
    this.scope = outer?.scope ?? "";
  }

  /** One node with one output; an input that is null is left out. */
  op(type: string, inputs: readonly (string | null)[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.ops(type, inputs, attributes, 1)[0] ?? "";
  }

  /** One node with several outputs. */
  ops(
    type: string,
    inputs: readonly (string | null)[],
    attributes: Readonly<Record<string, Attribute>>,
    count: number,
  ): string[] {
    const name = this.#unused(type);
    const outputs = count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}.${i}`);
    // What is left out at the end is not written at all: some runtimes look for it.
    const given = inputs.slice(0, inputs.findLastIndex((input) => input !== null) + 1);
    this.#nodes.push({ op: type, name, inputs: given.map((input) => input ?? ""), outputs, attributes });
    return outputs;
  }

  /** Gives a value the name that it has for others. */
  named(name: string, value: string): string {
    this.#nodes.push({ op: "Identity", name, inputs: [value], outputs: [name], attributes: {} });
    return name;
  }

  /** A weight by its `state_dict` name, as the model has it. */
  weight(name: string): string {
    const { shape, data } = this.weightValues(name);
    this.#initializers.set(name, { name, shape, data });
    return name;
  }

  hasWeight(name: string): boolean {
    return this.#weights.has(name);
  }

  weightValues(name: string): Weights {
    const weight = this.#weights.get(name);
    if (!weight) throw new Error(`The model has no weight ${name}.`);
    return weight;
  }

  floats(values: readonly number[] | Float32Array, shape: Shape = [values.length]): string {
    return this.#constant("constant", shape, Float32Array.from(values));
  }

  /** A single number. */
  scalar(value: number): string {
    return this.floats([value], []);
  }

  doubles(values: readonly number[], shape: Shape = [values.length]): string {
    return this.#constant("constant", shape, Float64Array.from(values));
  }

  ints(values: readonly number[], shape: Shape = [values.length]): string {
    return this.#constant("constant", shape, BigInt64Array.from(values, BigInt));
  }

  strings(values: readonly string[], shape: Shape = [values.length]): string {
    return this.#constant("constant", shape, values);
  }

  /** Samples of another shape; the batch stays as it is. */
  reshape(x: string, sample: Shape): string {
    return this.op("Reshape", [x, this.ints([-1, ...sample])]);
  }

  transpose(x: string, perm: readonly number[]): string {
    return perm.every((from, to) => from === to) ? x : this.op("Transpose", [x], { perm });
  }

  /** Elements of a dimension by their places. */
  gather(x: string, places: readonly number[], axis: number): string {
    return this.op("Gather", [x, this.ints(places)], { axis });
  }

  /** What is linear along one dimension: each new element is a sum of weighted ones. */
  linearMap(x: string, axis: number, rank: number, length: number, rows: readonly (readonly Term[])[]): string {
    const perm = Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
    const { shape, data } = denseMap(length, rows);
    const product = this.op("MatMul", [this.transpose(x, perm), this.floats(data, shape)]);
    return this.transpose(product, perm);
  }

  build(name: string, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): GraphProto {
    return { name, nodes: this.#nodes, initializers: [...this.#initializers.values()], inputs, outputs };
  }

  /** The body of a loop: constants and weights lie in the graph around it. */
  buildBody(name: string, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): GraphProto {
    return { name, nodes: this.#nodes, initializers: [], inputs, outputs };
  }

  /** A small constant is stored once, however often it is needed. */
  #constant(kind: string, shape: Shape, data: TensorProto["data"]): string {
    const key =
      elementCount(shape) <= 64
        ? `${data.constructor.name} [${shape}] ${JSON.stringify(Array.from(data, String))}`
        : null;
    const known = key === null ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#unused(kind);
    this.#initializers.set(name, { name, shape, data });
    if (key !== null) this.#constants.set(key, name);
    return name;
  }

  #unused(kind: string): string {
    const base = this.scope === "" ? kind : `${this.scope}/${kind}`;
    let name = base;
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }
}
