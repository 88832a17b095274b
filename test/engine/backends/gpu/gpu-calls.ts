/** Calls of every instruction as a GPU may be asked to do them, and what becomes of them. */
import fc from "fast-check";
import type { TypedArray } from "../../../../src/engine/backend.ts";
import type { Lowering } from "../../../../src/engine/backends/gpu/lowering.ts";
import { lowerings } from "../../../../src/engine/backends/gpu/lowerings/index.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { bufferNames } from "../device-call.ts";
import { type Call, samples } from "../samples.ts";

export const instructionNames = Object.keys(instructions) as InstructionName[];

/**
 * A sample without what GPUs are free to do differently (functions.ts says what that is): denormal numbers, zeros below
 * zero, integers beyond 2²⁴, angles beyond 10⁵, more than 48 bits.
 */
export const gpuSamples = (name: InstructionName): fc.Arbitrary<Call> =>
  samples[name].map(({ arrays, params }) => ({
    arrays: Object.fromEntries(Object.entries(arrays).map(([array, values]) => [array, held(values, mostOf(name))])),
    params,
  }));

const mostOf = (name: InstructionName): number => (name === "sin" || name === "cos" ? 1e5 : Number.POSITIVE_INFINITY);

function held<T extends TypedArray>(values: T, most: number): T {
  const copy = values.slice();
  for (const [i, value] of values.entries()) {
    if (values instanceof Float64Array) copy[i] = Math.fround(value) + Math.fround(value - Math.fround(value));
    else if (values instanceof Int32Array) copy[i] = value % 2 ** 24;
    else if (Math.abs(value) < 2 ** -126) copy[i] = 0;
    else if (Math.abs(value) > most && Number.isFinite(value)) copy[i] = value % most;
  }
  return copy as T;
}

/** A few calls, the same in every run. */
export const fixedCalls = (name: InstructionName, count: number): Call[] =>
  fc.sample(gpuSamples(name), { numRuns: count, seed: 7 });

export const wordsOf = (values: TypedArray): number => values.byteLength / 4;

/** The lowering of a call whose buffers have no word to spare. */
export function lower(name: InstructionName, { arrays, params }: Call): Lowering {
  const lowering = lowerings[name];
  if (!lowering) throw new Error(`${name} has no lowering in src/engine/backends/gpu/lowerings.`);
  return lowering(
    params,
    bufferNames(instructions[name]).map((array) => wordsOf(arrays[array]!)),
  );
}
