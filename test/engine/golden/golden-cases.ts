/** Reads PyTorch's answers from test/fixtures/golden (made by scripts/fixtures/*_golden*.py). */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Nested, type Tensor, tensor, type Weights } from "../../../src/engine/index.ts";

/** JSON has no NaN or infinity, so those are text. */
export interface PackedTensor {
  readonly shape: readonly number[];
  /** Of bool the values are 0 and 1. */
  readonly dtype: "float32" | "int32" | "bool";
  readonly data: readonly (number | "nan" | "inf" | "-inf")[];
}
export type PackedArgument = { readonly tensor: PackedTensor } | readonly { readonly tensor: PackedTensor }[];
type Argument = number | string | boolean | null | readonly number[] | { readonly tensor: PackedTensor };

export interface ModuleCase {
  readonly desc: string;
  readonly mode: "train" | "eval";
  readonly args: readonly Argument[];
  readonly kwargs: Readonly<Record<string, Argument>>;
  /** A list of tensors is one argument, as LSTM's pair of states. */
  readonly forward_args: readonly PackedArgument[];
  readonly forward_kwargs: Readonly<Record<string, PackedArgument | null>>;
  readonly state: Readonly<Record<string, PackedTensor>>;
  readonly outputs: readonly PackedTensor[];
  /** What `backward` starts from; empty where only the output is compared. */
  readonly cotangents: readonly PackedTensor[];
  /** Of the first inputs, in order. */
  readonly input_grads: readonly PackedTensor[];
  readonly param_grads: Readonly<Record<string, PackedTensor>>;
  readonly state_after: Readonly<Record<string, PackedTensor>>;
}

export interface OptimizerCase {
  readonly optimizer: string;
  readonly kwargs: Readonly<Record<string, number | boolean | readonly number[]>>;
  readonly params_after_each_step: readonly (readonly PackedTensor[])[];
  readonly state: readonly Readonly<Record<string, PackedTensor>>[];
}

export interface OptimizerPack {
  readonly params: readonly PackedTensor[];
  readonly grads: readonly (readonly PackedTensor[])[];
  readonly cases: readonly OptimizerCase[];
}

interface ModulePack {
  readonly modules: Readonly<Record<string, readonly ModuleCase[]>>;
}

/** PyTorch's own test samples, then the edges we asked for, by class name. */
export function readModuleCases(): Map<string, readonly ModuleCase[]> {
  const samples: ModulePack = read("modules.json.gz");
  const edges: ModulePack = read("edges.json.gz");
  const names = new Set([...Object.keys(samples.modules), ...Object.keys(edges.modules)]);
  return new Map(Array.from(names, (n) => [n, [...(samples.modules[n] ?? []), ...(edges.modules[n] ?? [])]]));
}

export function readOptimizerPacks(): OptimizerPack[] {
  const samples: OptimizerPack = read("optimizers.json.gz");
  const edges: { readonly optimizers: OptimizerPack } = read("edges.json.gz");
  return [samples, edges.optimizers];
}

function read(name: string) {
  return JSON.parse(gunzipSync(readFileSync(new URL(`../../fixtures/golden/${name}`, import.meta.url))).toString());
}

/** The tensors of one argument of a call. */
export const tensorsIn = (argument: PackedArgument | null): PackedTensor[] =>
  argument === null ? [] : [argument].flat().map(({ tensor }) => tensor);

export const valuesOf = ({ data }: PackedTensor): number[] => data.map((value) => Number(INFINITIES[value] ?? value));
const INFINITIES: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity };

export function unpack(packed: PackedTensor, requiresGrad = false): Tensor {
  const values = valuesOf(packed);
  const typed = packed.dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values);
  return tensor(typed, packed.shape, { requiresGrad });
}

export function unpackWeights(state: Readonly<Record<string, PackedTensor>>): Map<string, Weights> {
  const entries = Object.entries(state);
  return new Map(entries.map(([name, t]) => [name, { shape: t.shape, data: Float32Array.from(valuesOf(t)) }]));
}

/** A constructor call as a spec writes it: positional arguments named in PyTorch's order, tensors as nested lists. */
export function namedArguments({ args, kwargs }: ModuleCase, order: readonly string[]): Record<string, unknown> {
  const named = Object.fromEntries(args.map((value, i) => [order[i] ?? `argument ${i}`, value]));
  return Object.fromEntries(Object.entries({ ...named, ...kwargs }).map(([name, value]) => [name, plain(value)]));
}

function plain(value: Argument): unknown {
  if (value === null || typeof value !== "object" || !("tensor" in value)) return value;
  return nest(valuesOf(value.tensor), value.tensor.shape);
}

function nest(flat: readonly number[], shape: readonly number[]): Nested {
  const [length, ...inner] = shape;
  if (length === undefined) return flat[0] ?? Number.NaN;
  const width = flat.length / length;
  return Array.from({ length }, (_, i) => nest(flat.slice(i * width, (i + 1) * width), inner));
}
