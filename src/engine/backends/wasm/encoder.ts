/**
 * Writes instructions as the kernels read them, in 32-bit words: `code | words << 16`, the buffers' addresses (writes,
 * updates, reads), the parameters (an f64 takes two words). A program ends with a zero word.
 */
import type { DeviceBuffer } from "../../backend.ts";
import { type Instruction, instructions } from "../../instructions.ts";
import type { Heap } from "./heap.ts";

const doubleWords = new Float64Array(1);
const wordsOfDouble = new Int32Array(doubleWords.buffer);

const byCode: readonly Instruction[] = Object.values(instructions).toSorted((a, b) => a.code - b.code);
/** By code: how many words a record has, and whether all its parameters are integers (most are: no need to look). */
const recordWords = Int32Array.from([0, ...byCode.map(wordsOf)]);
const integersOnly: readonly boolean[] = [false, ...byCode.map((i) => i.paramTypes.every((type) => type === "i32"))];

/** The words that an instruction takes in a program. */
export function encodedWords(instruction: Instruction): number {
  return recordWords[instruction.code]!;
}

/** The words of the longest record. */
export const LONGEST_RECORD = Math.max(...recordWords);

/** Writes one record at word `at` and returns the word after it. */
export function encode(
  heap: Heap,
  at: number,
  instruction: Instruction,
  buffers: readonly DeviceBuffer[],
  params: readonly number[],
): number {
  const { code, bufferCount } = instruction;
  if (buffers.length !== bufferCount || params.length !== instruction.paramTypes.length) {
    throw new TypeError(miscounted(instruction, buffers, params));
  }
  const words = heap.ints;
  words[at] = code | (recordWords[code]! << 16);
  let next = at + 1;
  for (let i = 0; i < bufferCount; i++) {
    const { address } = buffers[i]!;
    if (address === 0) throw new Error(freed(instruction, i));
    words[next++] = address;
  }
  if (!integersOnly[code]) return encodeMixed(heap, next, instruction, params);
  for (let i = 0; i < params.length; i++) words[next++] = params[i]!;
  return next;
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
