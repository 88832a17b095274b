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

/** A cache line of float32: two threads should not write to the same one. */
export const LINE = 16;

/** Products of parameters by their names; [] is 1. */
export type Factors = readonly string[];

interface Extent {
  /** The parameter that counts the pieces. */
  readonly size: string;
  readonly grain?: number | ((params: Params) => number);
  /** Nanoseconds for each of `work`, shared by `per` groups. */
  readonly each: number;
  readonly work: Factors;
  readonly per?: string;
}

interface Rows extends Extent {
  /** Of buffers that lie apart by pieces: how many elements (4 bytes each) one piece is. */
  readonly moves: Readonly<Record<string, Factors>>;
  readonly counter?: string;
}

/** Cut along one parameter: buffers are moved, the parameter is smaller. */
export function rows(name: InstructionName, { moves, counter, ...extent }: Rows): Cut {
  const instruction = instructions[name];
  const sizeAt = paramAt(instruction, extent.size);
  const steps = buffersOf(instruction).map((buffer) => {
    const factors = moves[buffer];
    return factors ? productOf(instruction, factors) : undefined;
  });
  return {
    ...measured(instruction, extent),
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
  const apart = Object.fromEntries(moves.map((buffer) => [buffer, []]));
  const extent = { size: "n", grain: LINE, each, work: ["n"] };
  return rows(name, { ...extent, moves: apart, ...(counter === undefined ? {} : { counter }) });
}

type Ranged =
  | ("sum" | "moments" | "normalizeBackward" | "normalizeWeightBackward" | "convolutionWeight")
  | ("scatterAddRows" | "embeddingBackward" | "recurrent" | "recurrentBackward");

/** Cut by the part instruction that takes the first piece and how many. */
export function range(name: Ranged, extent: Extent): Cut {
  const instruction = partInstructions[`${name}Part`];
  return {
    ...measured(instruction, extent),
    part: (buffers, params, from, to) => ({ instruction, buffers, params: [...params, from, to - from] }),
  };
}

/** Cut in one of several ways, as the parameters are. */
export function chosen(choose: (params: Params) => Cut): Cut {
  return {
    nanoseconds: (params) => choose(params).nanoseconds(params),
    size: (params) => choose(params).size(params),
    grain: (params) => choose(params).grain(params),
    part: (buffers, params, from, to) => choose(params).part(buffers, params, from, to),
  };
}

/** Strided instructions: along the outermost dimension. `families` are the strides of each buffer, null if contiguous. */
export function strided(name: InstructionName, each: number, families: readonly (string | null)[]): Cut {
  const instruction = instructions[name];
  const dims = paramAt(instruction, "d0");
  const strides = families.map((family) => (family === null ? undefined : paramAt(instruction, `${family}0`)));
  const size = (params: Params): number => (params[0] === 0 ? 1 : params[dims]!);
  const inner = (params: Params): number => {
    let product = 1;
    for (let i = 1; i < Math.min(params[0]!, MAX_RANK); i++) product *= params[dims + i]!;
    return product;
  };
  return {
    nanoseconds: (params) => size(params) * inner(params) * each,
    size,
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

/** One product, cut by rows or columns of the result. */
export function window(name: "matmul" | "linear", size: "m" | "n", each: number): Cut {
  const instruction = partInstructions[`${name}Part`];
  const kept = instruction.paramTypes.length - 4;
  return {
    ...measured(instruction, { size, grain: size === "m" ? 1 : LINE, each, work: ["m", "n", "k"] }),
    part(buffers, params, from, to) {
      const [m = 0, n = 0] = params;
      const place = size === "m" ? [from, to - from, 0, n] : [0, m, from, to - from];
      return { instruction, buffers, params: [...params.slice(0, kept), ...place] };
    },
  };
}

/** Four elements come from one block of random bits. */
export function dropoutMask(each: number): Cut {
  const instruction = partInstructions.dropoutMaskPart;
  return {
    ...elements("dropoutMask", each, ["out"], "state"),
    part: ([out, state], params, from, to) => ({
      instruction,
      buffers: [moved(out!, from), state!],
      params: [to - from, params[1]!, from / 4],
    }),
  };
}

/**
 * Of normalisation: so many pieces of `step` elements that they use all features whole times, as every part begins with
 * the first feature. Without weight and bias there are none.
 */
export function wholeFeatures(step: Factors): (params: Params) => number {
  const stepOf = productOf(instructions.normalize, step);
  const periodOf = productOf(instructions.normalize, ["features", "spread"]);
  const flags = paramAt(instructions.normalize, "flags");
  return (params) => {
    if ((params[flags]! & 3) === 0) return 1;
    const period = periodOf(params);
    return period / commonDivisor(period, stepOf(params));
  };
}

/** How a parameter of that name is found. */
export function param(name: InstructionName, param: string): (params: Params) => number {
  const at = paramAt(instructions[name], param);
  return (params) => params[at]!;
}

function measured(instruction: Instruction, { size, grain = 1, each, work, per }: Extent): Omit<Cut, "part"> {
  const sizeAt = paramAt(instruction, size);
  const workOf = productOf(instruction, work);
  const groupsOf = productOf(instruction, per === undefined ? [] : [per]);
  return {
    nanoseconds: (params) => (workOf(params) * each) / Math.max(1, groupsOf(params)),
    size: (params) => params[sizeAt]!,
    grain: typeof grain === "number" ? () => grain : grain,
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
