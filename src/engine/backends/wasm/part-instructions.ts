/**
 * Instructions of this backend alone: those of the table, restricted to a part of their results that moved addresses and
 * smaller sizes can't express. Operands and sizes are the whole instruction's.
 */
import { type Instruction, type InstructionShape, instructions, numbered } from "../../instructions.ts";

/** Rows row … row + rows − 1 of the result, of these the columns column … column + columns − 1. */
const window = { row: "i32", rows: "i32", column: "i32", columns: "i32" } as const;

function someOf(whole: Instruction): InstructionShape {
  return { ...whole, params: { ...whole.params, first: "i32", count: "i32" } };
}

const shapes = {
  /** batch = 1 */
  matmulPart: {
    writes: ["out"],
    reads: ["a", "b"],
    params: { m: "i32", n: "i32", k: "i32", transA: "i32", transB: "i32", ...window },
  },
  linearPart: { ...instructions.linear, params: { ...instructions.linear.params, ...window } },
  /** The rows, … */
  scatterAddRowsPart: someOf(instructions.scatterAddRows),
  embeddingBackwardPart: someOf(instructions.embeddingBackward),
  /** … samples, … */
  recurrentPart: someOf(instructions.recurrent),
  recurrentBackwardPart: someOf(instructions.recurrentBackward),
  /** … columns, … */
  sumPart: someOf(instructions.sum),
  /** … channels, … */
  momentsPart: someOf(instructions.moments),
  normalizeBackwardPart: someOf(instructions.normalizeBackward),
  /** … or features first … first + count − 1. */
  normalizeWeightBackwardPart: someOf(instructions.normalizeWeightBackward),
  convolutionWeightPart: someOf(instructions.convolutionWeight),
  /** n elements, the first of which is element 4·block of the draw. */
  dropoutMaskPart: {
    ...instructions.dropoutMask,
    params: { ...instructions.dropoutMask.params, block: "i32" },
  },
} satisfies Record<string, InstructionShape>;

export const partInstructions = numbered(shapes, Object.keys(instructions).length);

/** Everything that the kernels know, by code. */
export const kernelInstructions: readonly Instruction[] = [
  ...Object.values(instructions),
  ...Object.values(partInstructions),
];

/** The code of a group of parts, which any thread may run: see encoder.ts. */
export const GROUP_CODE = kernelInstructions.length + 1;
