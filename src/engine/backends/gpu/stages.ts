/** Commands as stages: the passes of their lowerings, with the stretches of memory that each one works on. */
import { type Instruction, instructions } from "../../instructions.ts";
import type { DeviceCommand, Span } from "./executor.ts";
import { ALIGNMENT, type Lower, type Lowering, MAX_READS, type Operand, type Pass } from "./lowering.ts";
import { lowerings } from "./lowerings/index.ts";

/** Where temporaries lie: an allocation of the executor's own. */
export const SCRATCH = 0;

/** Lowerings kept: more than the instructions of a large network with all its shapes. */
const KEPT = 8192;

/** One kernel on its memory. */
export interface Stage {
  readonly pass: Pass;
  readonly reads: readonly Span[];
  readonly writes: Span;
  /** The command that this is a part of, for messages. */
  readonly instruction: string;
}

const byName: Readonly<Record<string, Lower | undefined>> = lowerings;
const known = new Map<string, Lowering>();

/** The stages of a command, in order. Temporaries share the words of {@link SCRATCH} with those of all other commands. */
export function stagesOf(command: DeviceCommand): Stage[] {
  const { instruction, spans } = command;
  const { temporaries = [], passes } = lower(command);
  let end = 0;
  const scratch = temporaries.map((words) => {
    const span: Span = { slot: SCRATCH, offset: end, words };
    end += Math.ceil(words / ALIGNMENT) * ALIGNMENT;
    return span;
  });
  const find = (operand: Operand): Span => {
    const span = "operand" in operand ? spans[operand.operand] : stretch(scratch, operand);
    if (!span) throw new Error(`The lowering of ${instruction.name} names ${JSON.stringify(operand)}: there is none.`);
    return span;
  };
  return passes
    .filter(({ output }) => output.every((size) => size > 0))
    .map((pass) =>
      checked({ pass, reads: pass.reads.map(find), writes: find(pass.writes), instruction: instruction.name }),
    );
}

function stretch(
  scratch: readonly Span[],
  { temporary, through = temporary }: { temporary: number; through?: number },
) {
  const [first, last] = [scratch[temporary], scratch[through]];
  return first && last && { ...first, words: last.offset - first.offset + last.words };
}

/** The words of {@link SCRATCH} that stages work on. */
export function scratchWords(stages: readonly Stage[]): number {
  const ends = stages.flatMap(({ reads, writes }) =>
    [...reads, writes].map(({ slot, offset, words }) => (slot === SCRATCH ? offset + words : 0)),
  );
  return ends.reduce((most, end) => Math.max(most, end), 0);
}

function lower({ instruction, spans, params }: DeviceCommand): Lowering {
  const words = spans.map((span) => span.words);
  const key = `${instruction.code}|${params.join()}|${words.join()}`;
  const found = known.get(key);
  if (found) return found;
  const lowerIt = byName[instruction.name];
  if (!lowerIt) throw new Error(`Instruction ${instruction.name} has no lowering. Add one to lowerings/index.ts.`);
  const made = lowerIt(namedParams(instruction, params), words);
  const [oldest] = known.keys();
  if (known.size >= KEPT && oldest !== undefined) known.delete(oldest);
  known.set(key, made);
  return made;
}

function namedParams(instruction: Instruction, params: readonly number[]): Record<string, number> {
  return Object.fromEntries(Object.keys(instruction.params).map((name, i) => [name, params[i] ?? 0]));
}

function checked(stage: Stage): Stage {
  const { pass, reads, writes, instruction } = stage;
  const written = pass.output.reduce((product, size) => product * size, pass.components ?? 1);
  const complain = (what: string): never => {
    throw new Error(`The lowering of ${instruction} is wrong: a pass ${what}.\n${pass.source}`);
  };
  if (written > writes.words) complain(`writes ${written} words to a buffer of ${writes.words}`);
  if (reads.length > MAX_READS) complain(`reads ${reads.length} buffers, and WebGPU allows ${MAX_READS}`);
  pass.reads.forEach(({ size }, i) => {
    const read = size?.reduce((product, length) => product * length, 1) ?? 0;
    if (read > (reads[i]?.words ?? 0)) complain(`reads ${read} words from a buffer of ${reads[i]?.words}`);
  });
  return stage;
}

/** By code. */
export const instructionByCode: readonly Instruction[] = Object.values(instructions).reduce<Instruction[]>(
  (table, one) => {
    table[one.code] = one;
    return table;
  },
  [],
);
