/**
 * What the recurrent instructions share: their parameters, and how their steps follow each other.
 *
 * Every step has temporaries of its own, and at the end each kind of them is put together to what the instruction writes.
 * The number of the step is a word on the device, so that all steps run the same kernels.
 */
import { ALIGNMENT, type Operand, type Pass } from "../lowering.ts";
import { cells, pass, position, product, temporary } from "./kernel-source.ts";

export const recurrentParams = ["kind", "steps", "batch", "hidden", "features", "flags"] as const;
export type Recurrent = Readonly<Record<(typeof recurrentParams)[number], number>>;

const [RELU, LSTM_KIND, GRU_KIND] = [1, 2, 3];
export const isRelu = ({ kind }: Recurrent): boolean => kind === RELU;
export const isLstm = ({ kind }: Recurrent): boolean => kind === LSTM_KIND;
export const isGru = ({ kind }: Recurrent): boolean => kind === GRU_KIND;
export const isReversed = ({ flags }: Recurrent): boolean => (flags & 1) !== 0;
export const hasBias = ({ flags }: Recurrent): boolean => (flags & 2) !== 0;
export const isProjected = ({ flags }: Recurrent): boolean => (flags & 4) !== 0;
/** Gates that the input and the state have a part in. */
export const gatesOf = (p: Recurrent): number => (isLstm(p) ? 4 : isGru(p) ? 3 : 1);
/** What is kept of them for the gradient. */
export const keptOf = (p: Recurrent): number => (isLstm(p) || isGru(p) ? 4 : 1);

/** Hands out temporaries. */
export class Temporaries {
  readonly sizes: number[] = [];

  one(words: number): Operand {
    this.sizes.push(words);
    return temporary(this.sizes.length - 1);
  }

  /** One for each step, side by side. */
  perStep(steps: number, words: number): StepArrays {
    const first = this.sizes.length;
    for (let s = 0; s < steps; s++) this.sizes.push(words);
    return new StepArrays(first, steps, words);
  }
}

/** The temporaries of one kind, by the place of their step in the order of processing. */
export class StepArrays {
  readonly #first: number;
  readonly #steps: number;
  readonly #words: number;

  constructor(first: number, steps: number, words: number) {
    this.#first = first;
    this.#steps = steps;
    this.#words = words;
  }

  at(place: number): Operand {
    return temporary(this.#first + place);
  }

  /** All of them as [steps, words] in the order of time: `backwards` if that is not the order of processing. */
  gather(to: Operand, backwards: boolean): Pass[] {
    if (this.#words === 0) return [];
    const all = { temporary: this.#first, through: this.#first + this.#steps - 1 };
    const stride = Math.ceil(this.#words / ALIGNMENT) * ALIGNMENT;
    const { output, head, index } = cells([this.#steps, this.#words]);
    const [t = "0", i = "0"] = index;
    const place = backwards ? `${this.#steps - 1} - ${t}` : `${t} + 0`;
    const body = `${head}const place = ${place};\nreturn all[${position(["place", i], [stride, 1])}];`;
    return [pass({ output, reads: { all }, writes: to, body })];
  }
}

/** One thread for each element of [batch, …dims]. */
export function perUnit(
  dims: readonly number[],
  reads: Readonly<Record<string, Operand>>,
  writes: Operand,
  body: (...index: string[]) => string,
): Pass {
  const { output, head, index } = cells(dims);
  return pass({ output, reads, writes, body: head + body(...index) });
}

/** Sets the step's number, and moves it on. */
export const startAt = (step: Operand, first: number): Pass =>
  pass({ output: [1], writes: step, body: `return ${first};` });
export const moveOn = (step: Operand, backwards: boolean): Pass =>
  pass({ output: [1], reads: { step }, writes: step, body: `return step[0] ${backwards ? "-" : "+"} 1;` });

/** Element of this step's part of [steps, …dims], as text; `shift` for a step before or after. */
export function inStep(array: string, dims: readonly number[], index: readonly string[], shift = ""): string {
  const strides = [product(dims), ...dims.map((_, d) => product(dims.slice(d + 1)))];
  return `${array}[${position([`(step[0]${shift})`, ...index], strides)}]`;
}

export const inRows = (array: string, dims: readonly number[], index: readonly string[]): string =>
  `${array}[${position(
    index,
    dims.map((_, d) => product(dims.slice(d + 1))),
  )}]`;
