/** Which commands compute every element of their result from the elements at the same place of what they read. */
import type { Command } from "./backend.ts";
import { instructions, MAX_RANK } from "./instructions.ts";

/**
 * By buffer, the result first: whether it is walked along with the result. The others are one value for all elements.
 * Null for commands that read from elsewhere, too.
 */
export function walkedTogether({ instruction, params }: Command): readonly boolean[] | null {
  if (instruction.params === instructions.neg.params) return [true, true];
  if (instruction.params !== instructions.add.params && instruction !== instructions.where) return null;
  // Rank, sizes, then strides of each operand: one row in which an operand takes steps of 1, or of 0.
  if (params[0] !== 1) return null;
  const steps = instruction.reads.map((_, i) => params[1 + MAX_RANK * (i + 1)]);
  return steps.every((step) => step === 0 || step === 1) ? [true, ...steps.map((step) => step === 1)] : null;
}
