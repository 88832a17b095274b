/**
 * What an instruction becomes on a GPU: a few passes, each one gpu.js kernel that computes every word of one buffer.
 *
 * Device memory is words, all float32; a kernel knows nothing else. What a buffer holds is told by the instruction table:
 *
 *   float32   element i is word i.
 *   int32     element i is word i, as a number: exact up to ±2²⁴, enough for every index, class and permutation; the 32-bit
 *             words of a random state come in halves of 16 bits for that. Writing a larger one is an error.
 *   float64   element i is words 2i and 2i + 1: the nearest float32, and what is left. Their sum has 48 bits. A kernel
 *             that needs no more than float32 reads word 2i alone; one that writes must write both.
 *
 * In place. A pass that writes an operand which it also reads runs in place: each thread may read the word (with
 * `components`, the words) of that operand that it is about to write, and no other. Whoever needs more reads the operand
 * into a temporary in a pass before, or writes a temporary and copies that in a pass after. For every other pass the
 * buffer it writes is not among those it reads. Passes run one after the other, each seeing all that those before wrote.
 */
import type { InstructionName } from "../../instructions.ts";

/** Storage bindings of a WebGPU kernel, less the one that it writes. */
export const MAX_READS = 7;

/** What a WebGPU binding asks of its offset, in words. */
export const ALIGNMENT = 64;

/**
 * A buffer of the instruction (in table order: writes, updates, reads) or one of the lowering's temporaries; with `through`,
 * only to be read, all temporaries up to that one, each of which begins at a multiple of {@link ALIGNMENT} words.
 */
export type Operand = { readonly operand: number } | { readonly temporary: number; readonly through?: number };

/** What a kernel reads. With a size [width, height(, depth)] it is indexed `a[y][x]` or `a[z][y][x]`, else flat: `a[i]`. */
export type Read = Operand & { readonly size?: readonly [number, number] | readonly [number, number, number] };

/** A function that kernels may call. Types are declared because gpu.js guesses Number for whatever is not. */
export interface HelperFunction {
  /** `function name(a, b) {…}` */
  readonly source: string;
  readonly argumentTypes: readonly ("Number" | "Integer")[];
  readonly returnType: "Number" | "Integer";
}

/** Threads along x, y and z: `this.thread.x` and so on; the word written is x + width·(y + height·z). */
export type Output = readonly [number] | readonly [number, number] | readonly [number, number, number];

/** WGSL that does the same as a pass's kernel, on workgroup memory: bindings 0, 1, … are what it reads, then what it writes. */
export interface HandWritten {
  /** The whole module. Every binding is `var<storage, read_write>`, so that buffers may share an allocation. */
  readonly code: string;
  readonly workgroups: readonly [number, number, number];
}

export interface Pass {
  /** `function (a, b) {…}` with a parameter for each of `reads`; everything static is a literal in it. */
  readonly source: string;
  readonly functions?: readonly HelperFunction[];
  readonly output: Output;
  /** How many words a thread returns, as an array, if more than one; they stand side by side in the buffer. */
  readonly components?: 2 | 3 | 4;
  /** At most {@link MAX_READS}, each buffer once. */
  readonly reads: readonly Read[];
  /** Words beyond `output` × `components` keep what they hold. */
  readonly writes: Operand;
  /** Used instead of `source` on WebGPU. */
  readonly wgsl?: HandWritten;
}

export interface Lowering {
  /** Words of each temporary; undefined until a pass has written them. */
  readonly temporaries?: readonly number[];
  readonly passes: readonly Pass[];
}

/**
 * The passes of one instruction with these parameters (by their names in the table). `words` are those of its buffers
 * in table order: bytes ÷ 4, so 2 for each float64. Called once for each combination of them.
 */
export type Lower = (params: Readonly<Record<string, number>>, words: readonly number[]) => Lowering;

export type Lowerings = Readonly<Record<InstructionName, Lower>>;
