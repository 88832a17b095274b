/** The ways in which instructions are cut into parts: what the table in cuts.ts is written in. */
import type { Command, DeviceBuffer } from "../../backend.ts";
import { type Instruction, type InstructionName, instructions, MAX_RANK } from "../../instructions.ts";
import { partInstructions } from "./part-instructions.ts";

type Params = readonly number[];

export interface Cut {
  /** How long the whole takes one thread, roughly. */
  nanoseconds(params: Params): number;
  /** How many independent pieces there are, … */
  size(params: Params): number;
  /** … and of how many a part should be a multiple. */
  grain(params: Params): number;
  /** Which buffer is a counter that every call moves on; with no elements a call does just that. */
  readonly counter?: number;
  /** The pieces from … to − 1. */
  part(buffers: readonly DeviceBuffer[], params: Params, from: number, to: number): Command;
}

/** A cache line of float32: two threads never write to the same one. */
const LINE = 16;

/** Products of parameters by their names; [] is 1. */
export type Factors = readonly string[];

interface Rows {
  /** The parameter that counts the pieces. */
  readonly size: string;
  readonly grain?: number;
  /** Of buffers that lie apart by pieces: how many elements (4 bytes each) one piece is. */
  readonly moves: Readonly<Record<string, Factors>>;
  readonly counter?: string;
  /** Nanoseconds for each of `work`. */
  readonly each: number;
  readonly work: Factors;
}

/** Cut along one parameter: buffers are moved, the parameter is smaller. */
export function rows(name: InstructionName, { size, grain = 1, moves, counter, each, work }: Rows): Cut {
  const instruction = instructions[name];
  const sizeAt = paramAt(instruction, size);
  const workOf = productOf(instruction, work);
  const steps = buffersOf(instruction).map((buffer) => {
    const factors = moves[buffer];
    return factors ? productOf(instruction, factors) : undefined;
  });
  return {
    nanoseconds: (params) => workOf(params) * each,
    size: (params) => params[sizeAt]!,
    grain: () => grain,
    ...(counter === undefined ? {} : { counter: buffersOf(instruction).indexOf(counter) }),
    part: (buffers, params, from, to) => ({
      instruction,
      buffers: buffers.map((buffer, i) => moved(buffer, from * (steps[i]?.(params) ?? 0))),
      params: params.with(sizeAt, to - from),
    }),
  };
}

/** n elements, one by one. */
export function elements(name: InstructionName, each: number, moves: readonly string[], counter?: string): Cut {
  const grain = LINE;
  const size = "n";
  const apart = Object.fromEntries(moves.map((buffer) => [buffer, []]));
  return rows(name, { size, grain, moves: apart, each, work: ["n"], ...(counter === undefined ? {} : { counter }) });
}

/** Strided instructions: along the outermost dimension. `families` are the strides of each buffer, null if contiguous. */
export function strided(name: InstructionName, each: number, families: readonly (string | null)[]): Cut {
  const instruction = instructions[name];
  const dims = paramAt(instruction, "d0");
  const strides = families.map((family) => (family === null ? undefined : paramAt(instruction, `${family}0`)));
  const inner = (params: Params): number => {
    let product = 1;
    for (let i = 1; i < Math.min(params[0]!, MAX_RANK); i++) product *= params[dims + i]!;
    return product;
  };
  return {
    nanoseconds: (params) => (params[0] === 0 ? 1 : params[dims]! * inner(params)) * each,
    size: (params) => (params[0] === 0 ? 1 : params[dims]!),
    grain: (params) => (params[0] === 1 ? LINE : 1),
    part: (buffers, params, from, to) => ({
      instruction,
      buffers: buffers.map((buffer, i) => {
        const stride = strides[i];
        return moved(buffer, from * (stride === undefined ? inner(params) : params[stride]!));
      }),
      params: params.with(dims, to - from),
    }),
  };
}

/**
 * Products: batches as they are; one product by rows or columns of the result, whichever are more, since each part packs
 * the whole of the other operand for itself.
 */
export function product(name: "matmul" | "linear", batched: Cut | undefined): Cut {
  const instruction = instructions[name];
  const window = partInstructions[`${name}Part`];
  const kept = window.paramTypes.length - 4;
  const byRows = (params: Params): boolean => params[0]! >= params[1]!;
  const batchAt = batched ? paramAt(instruction, "batch") : -1;
  const isBatched = (params: Params): boolean => batched !== undefined && params[batchAt]! !== 1;
  return {
    nanoseconds: (params) => params[0]! * params[1]! * params[2]! * (params[batchAt] ?? 1) * PER_PRODUCT,
    size: (params) => (isBatched(params) ? params[batchAt]! : Math.max(params[0]!, params[1]!)),
    grain: (params) => (isBatched(params) || byRows(params) ? 1 : LINE),
    part(buffers, params, from, to) {
      if (batched && isBatched(params)) return batched.part(buffers, params, from, to);
      const [m = 0, n = 0] = params;
      const place = byRows(params) ? [from, to - from, 0, n] : [0, m, from, to - from];
      return { instruction: window, buffers, params: [...params.slice(0, kept), ...place] };
    },
  };
}

/** Of one product and sum: 27 of them take a nanosecond with relaxed SIMD. */
const PER_PRODUCT = 0.04;

type ConvolutionName = "convolution" | "biasedConvolution" | "convolutionInput" | "convolutionWeight";

/** By images. */
export function convolution(name: ConvolutionName, source: "x" | "g", size: Factors, out: Factors): Cut {
  const images = rows(name, {
    size: "batch",
    moves: { out, [source]: size },
    each: PER_PRODUCT,
    work: ["batch", "features", "outHeight", "outWidth", "channels", "kernelHeight", "kernelWidth"],
  });
  return { ...images, nanoseconds: perGroup(name, images) };
}

/** The gradient of the weight adds up over images, so it is cut by features: eight fill a tile. */
export function convolutionWeight(): Cut {
  const name = "convolutionWeight";
  const instruction = partInstructions.convolutionWeightPart;
  const features = paramAt(instruction, "features");
  return {
    nanoseconds: convolution(name, "g", [], []).nanoseconds,
    size: (params) => params[features]!,
    grain: (params) => (params[features]! >= 64 ? 8 : 4),
    part: (buffers, params, from, to) => ({ instruction, buffers, params: [...params, from, to - from] }),
  };
}

/** Each feature sees the channels of its group alone. */
function perGroup(name: ConvolutionName, { nanoseconds }: Cut): (params: Params) => number {
  const groups = paramAt(instructions[name], "groups");
  return (params) => nanoseconds(params) / Math.max(1, params[groups]!);
}

/** Four elements come from one block of random bits. */
export function dropoutMask(): Cut {
  const instruction = partInstructions.dropoutMaskPart;
  return {
    ...elements("dropoutMask", 0.8, ["out"], "state"),
    part: ([out, state], params, from, to) => ({
      instruction,
      buffers: [moved(out!, from), state!],
      params: [to - from, params[1]!, from / 4],
    }),
  };
}

/**
 * Normalisation: by outer positions, or, where there is one, by channels. Only as many at a time as use all features once,
 * so that every part begins with the first one.
 */
export function normalize(): Cut {
  const instruction = instructions.normalize;
  const names = ["outer", "channels", "inner", "features", "spread", "flags"];
  const [outer = 0, channels = 0, inner = 0, features = 0, spread = 0, flags = 0] = names.map((name) =>
    paramAt(instruction, name),
  );
  const along = (params: Params): number => (params[outer] === 1 ? channels : outer);
  const step = (params: Params): number => params[inner]! * (params[outer] === 1 ? 1 : params[channels]!);
  return {
    nanoseconds: (params) => params[outer]! * params[channels]! * params[inner]! * 0.4,
    size: (params) => params[along(params)]!,
    grain(params) {
      if ((params[flags]! & 3) === 0) return 1;
      const period = params[features]! * params[spread]!;
      return period / commonDivisor(period, step(params));
    },
    part: ([out, x, mean, rstd, weight, bias], params, from, to) => {
      const first = from * step(params);
      const channel = params[outer] === 1 ? from : 0;
      return {
        instruction,
        buffers: [moved(out!, first), moved(x!, first), moved(mean!, channel), moved(rstd!, channel), weight!, bias!],
        params: params.with(along(params), to - from),
      };
    },
  };
}

function buffersOf(instruction: Instruction): readonly string[] {
  return [...instruction.writes, ...instruction.updates, ...instruction.reads];
}

function paramAt(instruction: Instruction, name: string): number {
  const at = Object.keys(instruction.params).indexOf(name);
  if (at < 0) throw new TypeError(`Instruction ${instruction.name} has no parameter ${name} to be cut along.`);
  return at;
}

function productOf(instruction: Instruction, factors: Factors): (params: Params) => number {
  const at = factors.map((name) => paramAt(instruction, name));
  return (params) => {
    let product = 1;
    for (const i of at) product *= params[i]!;
    return product;
  };
}

function moved({ address, bytes }: DeviceBuffer, elements: number): DeviceBuffer {
  return { address: address + elements * 4, bytes };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
