/** Decides whether an instruction is worth several threads, and makes the group of its parts. */
import type { Command, DeviceBuffer } from "../../backend.ts";
import { type Instruction, type InstructionName, instructions } from "../../instructions.ts";
import type { Cut } from "./cut.ts";
import { cuts } from "./cuts.ts";
import { checkOperands, type Group, type Step } from "./encoder.ts";

/** Of what a counter takes, at most: an optimizer's scalars, a random state. */
export const COUNTER_BYTES = 64;
/** More would be of no use, and a program's records stay short. */
export const MOST_THREADS = 64;

/** A thread's share takes at least so many nanoseconds: to be woken takes about as long. */
export const LEAST_WORK = 15_000;

export interface SplitOptions {
  readonly threads: number;
  readonly leastWork: number;
  /** Room for a counter of each thread's own. */
  readonly counters: DeviceBuffer;
}

const byCode: readonly (Cut | undefined)[] = [undefined, ...Object.keys(instructions).map((name) => cutOf(name))];

/** Undefined for an instruction that one thread should run. */
export function split(
  instruction: Instruction,
  buffers: readonly DeviceBuffer[],
  params: readonly number[],
  options: SplitOptions,
): Step[] | undefined {
  const cut = byCode[instruction.code];
  if (!cut) return undefined;
  const nanoseconds = cut.nanoseconds(params);
  // The usual case: much too small.
  if (!(nanoseconds >= 2 * options.leastWork)) return undefined;
  const { threads, leastWork } = options;
  const grain = cut.grain(params);
  const size = cut.size(params);
  const grains = Math.ceil(size / grain);
  const count = Math.min(threads, grains, leastWork > 0 ? Math.floor(nanoseconds / leastWork) : threads);
  if (count < 2) return undefined;
  checkOperands(instruction, buffers, params);
  const parts = borders(size, grain, count).map(([from, to], i) =>
    cut.counter === undefined
      ? [cut.part(buffers, params, from, to)]
      : countingPart(cut, cut.counter, buffers, params, from, to, slot(options.counters, i)),
  );
  const group: Group = { parts };
  // With no elements the instruction moves its counter on, and nothing else.
  return cut.counter === undefined ? [group] : [group, cut.part(buffers, params, 0, 0)];
}

/** Where each of `count` parts of `size` pieces begins and ends, at multiples of `grain` but for the last end. */
export function borders(size: number, grain: number, count: number): [from: number, to: number][] {
  const grains = Math.ceil(size / grain);
  const border = (i: number): number => Math.min(size, Math.floor((i * grains) / count) * grain);
  return Array.from({ length: count }, (_, i) => [border(i), border(i + 1)]);
}

/** Every part begins from the same count, and moves on a copy. */
function countingPart(
  cut: Cut,
  counter: number,
  buffers: readonly DeviceBuffer[],
  params: readonly number[],
  from: number,
  to: number,
  own: DeviceBuffer,
): Command[] {
  const shared = buffers[counter]!;
  const words = Math.min(shared.bytes, COUNTER_BYTES) / 4;
  return [
    { instruction: instructions.copy, buffers: [own, shared], params: [words] },
    cut.part(buffers.with(counter, own), params, from, to),
  ];
}

function slot({ address }: DeviceBuffer, thread: number): DeviceBuffer {
  return { address: address + thread * COUNTER_BYTES, bytes: COUNTER_BYTES };
}

function cutOf(name: string): Cut | undefined {
  return isInstruction(name) ? cuts[name] : undefined;
}

function isInstruction(name: string): name is InstructionName {
  return name in instructions;
}
