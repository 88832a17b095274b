/** Puts a sample on a device, runs it there, and compares what it wrote with the reference. */
import type { Backend, DeviceBuffer, TypedArray } from "../../../src/engine/backend.ts";
import { type Instruction, type InstructionName, instructions } from "../../../src/engine/instructions.ts";
import { type Numbers, references } from "./reference.ts";
import type { Call } from "./samples.ts";

/** Elements after each array that no instruction may touch. */
const FENCE = 8;

export function bufferNames(instruction: Instruction): readonly string[] {
  return [...instruction.writes, ...instruction.updates, ...instruction.reads];
}

/**
 * Runs a call and returns all arrays as they are afterwards, by name. Every buffer is followed by a fence of NaNs, and a
 * damaged fence throws: so does a change of what is only read.
 */
export function runOnDevice(
  backend: Backend,
  name: InstructionName,
  call: Call,
  run: (instruction: Instruction, buffers: DeviceBuffer[], params: number[]) => void = (...operands) =>
    backend.run(...operands),
): Record<string, TypedArray> {
  const instruction = instructions[name];
  const names = bufferNames(instruction);
  const params = Object.keys(instruction.params).map((param) => call.params[param]!);
  const buffers = names.map((array) => fenced(backend, call.arrays[array]!));
  run(instruction, buffers, params);
  const after = names.map((array, i) => unfenced(backend, buffers[i]!, call.arrays[array]!, `${name}: ${array}`));
  for (const buffer of buffers) backend.free(buffer);
  names.forEach((array, i) => {
    if (instruction.reads.includes(array) && !sameBits(after[i]!, call.arrays[array]!)) {
      throw new Error(`${name} has changed ${array}, which it only reads.`);
    }
  });
  return Object.fromEntries(names.map((array, i) => [array, after[i]!]));
}

export function runReference(name: InstructionName, call: Call): Record<string, Numbers> {
  const arrays: Record<string, Numbers> = {};
  for (const [array, values] of Object.entries(call.arrays)) {
    arrays[array] = values instanceof Int32Array ? values.slice() : Float64Array.from(values);
  }
  references[name](arrays, call.params);
  return arrays;
}

/**
 * The first place where `got` is further from `want` than `ulps` units in the last place and `near` (times `want` where
 * that is above 1); −1 if none.
 */
export function firstDifference(got: TypedArray, want: Numbers, ulps: number, near: number): number {
  return Array.from(got).findIndex((value, i) => {
    const expected = got instanceof Float32Array ? Math.fround(want[i]!) : want[i]!;
    if (Object.is(value, expected)) return false;
    if (!Number.isFinite(value) || !Number.isFinite(expected)) return true;
    return Math.abs(value - expected) > ulps * ulpOf(want[i]!) + near * Math.max(1, Math.abs(expected));
  });
}

/** The distance between float32 numbers around x. */
export function ulpOf(x: number): number {
  const exponent = Math.floor(Math.log2(Math.max(Math.abs(x), 2 ** -126)));
  return 2 ** (exponent - 23);
}

export function sameBits(a: TypedArray, b: TypedArray): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf(values: TypedArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function fenced(backend: Backend, values: TypedArray): DeviceBuffer {
  const buffer = backend.allocate(values.byteLength + FENCE * 4);
  backend.write(buffer, values);
  backend.write(buffer, new Float32Array(FENCE).fill(Number.NaN), values.byteLength);
  return buffer;
}

function unfenced<T extends TypedArray>(backend: Backend, buffer: DeviceBuffer, like: T, what: string): TypedArray {
  const fence = backend.read(buffer, new Float32Array(FENCE), like.byteLength);
  if (!fence.every(Number.isNaN)) throw new Error(`${what}: something was written past the end.`);
  return backend.read(buffer, like.slice());
}
