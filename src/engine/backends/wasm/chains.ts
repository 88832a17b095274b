/**
 * Fuses neighbouring elementwise commands over equally many elements: a thread that takes a part runs the whole chain on
 * it, so there is one group to share instead of one for each command, and commands too short to be shared are shared
 * together. On one thread nothing is gained (bench/RESULTS.md), so there nothing is fused.
 */
import type { Command } from "../../backend.ts";
import { walkedTogether } from "../../elementwise.ts";
import { type InstructionName, instructions } from "../../instructions.ts";
import { type Cut, LINE } from "./cut.ts";
import { cuts } from "./cuts.ts";
import type { Group } from "./encoder.ts";
import { borders, type SplitOptions } from "./split.ts";

/** A part of a longer chain might not fit into a record, which counts its words in 16 bits. */
const LONGEST = 16;

/** The commands in their order; those of a list may run part by part, each part through the whole list. */
export function chainsOf(commands: readonly Command[]): (readonly Command[])[] {
  const chains: Command[][] = [];
  let open: Command[] = [];
  for (const command of commands) {
    if (fits(command, open)) open.push(command);
    else {
      open = [command];
      chains.push(open);
    }
  }
  return chains;
}

/** Undefined for a chain that one thread should run, or that is none. */
export function splitChain(chain: readonly Command[], { threads, leastWork }: SplitOptions): Group | undefined {
  const [first] = chain;
  if (!first || chain.length < 2) return undefined;
  const nanoseconds = chain.reduce((sum, command) => sum + (cutOf(command)?.nanoseconds(command.params) ?? 0), 0);
  if (nanoseconds < 2 * leastWork) return undefined;
  const size = cutOf(first)?.size(first.params) ?? 0;
  const count = Math.min(
    threads,
    Math.ceil(size / LINE),
    leastWork > 0 ? Math.floor(nanoseconds / leastWork) : threads,
  );
  if (count < 2) return undefined;
  const parts = borders(size, LINE, count).map(([from, to]) =>
    chain.flatMap((command) => cutOf(command)?.part(command.buffers, command.params, from, to) ?? []),
  );
  return { parts };
}

const cutOf = ({ instruction: { name } }: Command): Cut | undefined => (isInstruction(name) ? cuts[name] : undefined);

const isInstruction = (name: string): name is InstructionName => name in instructions;

/** Whether no element of the result of one command is needed for another element of the other. */
function fits(command: Command, chain: readonly Command[]): boolean {
  const [first] = chain;
  const own = stretches(command);
  if (!first || !own || chain.length >= LONGEST) return false;
  const others = chain.map(stretches);
  if (others[0]?.[0]?.bytes !== own[0]?.bytes) return false;
  return others.every((other) => other && apart(own, other[0]) && apart(other, own[0]));
}

interface Stretch {
  readonly from: number;
  readonly bytes: number;
}

/** Where the command's operands lie, the result first; null if it is not elementwise. */
function stretches(command: Command): Stretch[] | null {
  const walked = cutOf(command) && walkedTogether(command);
  if (!walked) return null;
  const size = cutOf(command)?.size(command.params) ?? 0;
  return command.buffers.map(({ address }, i) => ({ from: address, bytes: walked[i] ? size * 4 : 4 }));
}

/** Nothing of `result` is among what is used, unless it is the same elements. */
function apart(used: readonly Stretch[], result: Stretch | undefined): boolean {
  if (!result) return false;
  return used.every(
    ({ from, bytes }) =>
      (from === result.from && bytes === result.bytes) ||
      from + bytes <= result.from ||
      result.from + result.bytes <= from,
  );
}
