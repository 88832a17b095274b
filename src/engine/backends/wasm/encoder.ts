/**
 * Writes instructions as the kernels read them, in 32-bit words: `code | words << 16`, the buffers' addresses (writes,
 * updates, reads), the parameters (an f64 takes two words). A program ends with a zero word. A group is `code | words <<
 * 16`, the number of its parts, where each begins (in bytes from here), and the parts: programs themselves.
 */
import type { Command, DeviceBuffer } from "../../backend.ts";
import type { Instruction } from "../../instructions.ts";
import type { Heap } from "./heap.ts";
import { GROUP_CODE, kernelInstructions } from "./part-instructions.ts";

/** Programs that may run in any order, and at the same time. */
export interface Group {
  readonly parts: readonly (readonly Command[])[];
}

/** What a program is made of. */
export type Step = Command | Group;

const doubleWords = new Float64Array(1);
const wordsOfDouble = new Int32Array(doubleWords.buffer);

/** By code: how many words a record has, and whether all its parameters are integers (most are: no need to look). */
const recordWords = Int32Array.from([0, ...kernelInstructions.map(wordsOf)]);
const integersOnly: readonly boolean[] = [
  false,
  ...kernelInstructions.map(({ paramTypes }) => paramTypes.every((type) => type === "i32")),
];

/** The words that a step takes in a program. */
export function encodedWords(step: Step): number {
  if ("instruction" in step) return recordWords[step.instruction.code]!;
  return step.parts.reduce((words, part) => words + 2 + sum(part.map(encodedWords)), 2);
}

/** The words of the longest record. */
export const LONGEST_RECORD = Math.max(...recordWords);

/** Writes one step at word `at` and returns the word after it. */
export function encodeStep(heap: Heap, at: number, step: Step): number {
  if ("instruction" in step) return encode(heap, at, step.instruction, step.buffers, step.params);
  const { parts } = step;
  let next = at + 2 + parts.length;
  parts.forEach((part, i) => {
    heap.ints[at + 2 + i] = (next - at) * 4;
    for (const { instruction, buffers, params } of part) next = encode(heap, next, instruction, buffers, params);
    heap.ints[next++] = 0;
  });
  heap.ints[at] = GROUP_CODE | ((next - at) << 16);
  heap.ints[at + 1] = parts.length;
  return next;
}

/** Writes one record at word `at` and returns the word after it. */
export function encode(
  heap: Heap,
  at: number,
  instruction: Instruction,
  buffers: readonly DeviceBuffer[],
  params: readonly number[],
): number {
  checkOperands(instruction, buffers, params);
  const { code, bufferCount } = instruction;
  const words = heap.ints;
  words[at] = code | (recordWords[code]! << 16);
  let next = at + 1;
  for (let i = 0; i < bufferCount; i++) words[next++] = buffers[i]!.address;
  if (!integersOnly[code]) return encodeMixed(heap, next, instruction, params);
  for (let i = 0; i < params.length; i++) words[next++] = params[i]!;
  return next;
}

/** Throws if there are too few or too many, or a buffer has been freed. */
export function checkOperands(
  instruction: Instruction,
  buffers: readonly DeviceBuffer[],
  params: readonly number[],
): void {
  if (buffers.length !== instruction.bufferCount || params.length !== instruction.paramTypes.length) {
    throw new TypeError(miscounted(instruction, buffers, params));
  }
  for (let i = 0; i < buffers.length; i++) if (buffers[i]!.address === 0) throw new Error(freed(instruction, i));
}

function encodeMixed(heap: Heap, at: number, instruction: Instruction, params: readonly number[]): number {
  let next = at;
  for (let i = 0; i < params.length; i++) {
    const type = instruction.paramTypes[i];
    if (type === "i32") heap.ints[next++] = params[i]!;
    else if (type === "f32") heap.floats[next++] = params[i]!;
    else {
      // Records are aligned to 4 bytes, so a float64 goes in as two words.
      doubleWords[0] = params[i]!;
      heap.ints[next++] = wordsOfDouble[0]!;
      heap.ints[next++] = wordsOfDouble[1]!;
    }
  }
  return next;
}

function wordsOf(instruction: Instruction): number {
  const params = instruction.paramTypes.reduce((words, type) => words + (type === "f64" ? 2 : 1), 0);
  return 1 + instruction.bufferCount + params;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

function bufferNames(instruction: Instruction): string[] {
  return [...instruction.writes, ...instruction.updates, ...instruction.reads];
}

function miscounted(instruction: Instruction, buffers: readonly DeviceBuffer[], params: readonly number[]): string {
  return (
    `Instruction ${instruction.name} takes ${instruction.bufferCount} buffers (${bufferNames(instruction).join(", ")}) ` +
    `and ${instruction.paramTypes.length} parameters (${Object.keys(instruction.params).join(", ")}), ` +
    `but got ${buffers.length} buffers and ${params.length} parameters.`
  );
}

function freed(instruction: Instruction, index: number): string {
  return (
    `Instruction ${instruction.name}: buffer "${bufferNames(instruction)[index]}" has been freed. ` +
    "Free a tensor's buffer only after its last use."
  );
}
