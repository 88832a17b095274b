/** Folding an array along one dimension in stages: no thread folds many numbers alone, and rounding errors stay small. */
import type { Operand, Pass } from "../lowering.ts";
import { cells, pass, position, product, sumLoop, temporary } from "./kernel-source.ts";

/** A row-major array that loses the dimension in its middle. */
export interface Folded {
  readonly before: readonly number[];
  readonly length: number;
  readonly after: readonly number[];
}

/** Statements over `count` values, given the text of each, and what comes of them. */
export interface Fold {
  readonly loop: (count: number, term: (k: string) => string) => string;
  readonly result: string;
}

export const SUM: Fold = { loop: sumLoop, result: "sum" };

/** The largest; NaN if one is NaN, which is neither above nor below. */
export const LARGEST: Fold = {
  loop: (count, term) => `let best = 0 - infinity();
    let odd = 0;
    for (let i = 0; i < ${count}; i++) {
      const v = ${term("i")};
      if (v > best) { best = v; } else { if (v <= best) { } else { odd = v; } }
    }
    `,
  result: "best + odd",
};

export interface Stages {
  readonly temporaries: readonly number[];
  readonly passes: readonly Pass[];
}

interface Job {
  readonly fold: Fold;
  readonly over: Folded;
  readonly reads: Readonly<Record<string, Operand>>;
  /** A value, given where it lies in an array of that shape, its index before and after, and its place in the middle. */
  readonly term: (at: string, index: readonly string[], k: string) => string;
  readonly writes: Operand;
  /** The first number free for temporaries. */
  readonly first: number;
  /** What is written instead of the result, given its text and the index before and after. */
  readonly finish?: (result: string, index: readonly string[]) => string;
}

/** As many passes as it takes. */
export function stages({ fold, over, reads, term, writes, first, finish = (result) => result }: Job): Stages {
  const { before, length, after } = over;
  const parts = partsOf(over);
  const each = Math.ceil(length / parts);
  const { output, head, index } = cells([...before, parts, ...after]);
  const part = index[before.length] ?? "0";
  const around = [...index.slice(0, before.length), ...index.slice(before.length + 1)];
  const inner = product(after);
  const strides = [
    ...before.map((_, d) => product(before.slice(d + 1)) * length * inner),
    ...after.map((_, d) => product(after.slice(d + 1))),
  ];
  const value = (step: string): string => {
    const k = parts === 1 ? step : position([part, step], [each, 1]);
    return term(position([...around, part, step], [...strides, each * inner, inner]), around, `(${k})`);
  };
  const result = parts === 1 ? finish(fold.result, around) : fold.result;
  const whole = `${fold.loop(each, value)}return ${result};`;
  const last = length - (parts - 1) * each;
  const short = last === each ? "" : `if (${part} === ${parts - 1}) {\n${fold.loop(last, value)}return ${result};\n}\n`;
  const stage = pass({ output, reads, writes: parts === 1 ? writes : temporary(first), body: head + short + whole });
  if (parts === 1) return { temporaries: [], passes: [stage] };
  const rest = stages({
    ...{ fold, over: { before, length: parts, after }, reads: { partial: temporary(first) }, writes, first: first + 1 },
    ...{ term: (at: string) => `partial[${at}]`, finish },
  });
  return { temporaries: [product(before) * parts * inner, ...rest.temporaries], passes: [stage, ...rest.passes] };
}

/** Into how many parts a stage cuts `length`: few cells mean many parts, so that the GPU has threads to run. */
function partsOf({ before, length, after }: Folded): number {
  const cells = product(before) * product(after);
  if (length <= 64 || (length <= 1024 && cells >= 4096)) return 1;
  return Math.ceil(length / Math.min(256, Math.ceil(Math.sqrt(length))));
}

/** Jobs one after the other: each is given the first temporary that those before have left free. */
export function inOrder(first: number, ...jobs: readonly ((first: number) => Stages)[]): Stages {
  const temporaries: number[] = [];
  const passes: Pass[] = [];
  for (const job of jobs) {
    const done = job(first + temporaries.length);
    temporaries.push(...done.temporaries);
    passes.push(...done.passes);
  }
  return { temporaries, passes };
}
