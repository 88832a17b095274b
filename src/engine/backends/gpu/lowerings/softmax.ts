/** Softmax and its gradients along one dimension: what a row has in common first, then every element. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Operand, Pass } from "../lowering.ts";
import { cells, lowering, operand, pass, position, sumLoop, temporary } from "./kernel-source.ts";
import type { View } from "./reduce.ts";
import { sumStages } from "./reduce.ts";

const [OUT, FIRST, SECOND] = [operand(0), operand(1), operand(2)];

/** One thread for each row of the view; `at(i)` is where its element i lies. */
function perRow(
  { outer, length, inner }: View,
  reads: Readonly<Record<string, Operand>>,
  writes: Operand,
  body: (at: (i: string) => string) => string,
): Pass {
  const { output, head, index } = cells([outer, inner]);
  const [o = "0", i = "0"] = index;
  const at = (step: string) => position([o, step, i], [length * inner, inner, 1]);
  return pass({ output, reads, writes, body: head + body(at) });
}

/** One thread for each element: `at` is where it lies, `row` which row it is of. */
function perElement(
  { outer, length, inner }: View,
  reads: Readonly<Record<string, Operand>>,
  body: (at: string, row: string) => string,
): Pass {
  const { output, head, index } = cells([outer, length, inner]);
  const [o = "0", l = "0", i = "0"] = index;
  const at = position([o, l, i], [length * inner, inner, 1]);
  return pass({ output, reads, writes: OUT, body: head + body(at, position([o, i], [inner, 1])) });
}

const along = (build: (view: View) => { temporaries: number[]; passes: Pass[] }): Lower =>
  lowering(["outer", "length", "inner"], (view) => (view.outer * view.length * view.inner === 0 ? [] : build(view)));

/** max x (NaN is left to the sum) into temporary 0, Σ exp(x − max) into temporary 1. */
function sums(view: View): { temporaries: number[]; passes: Pass[] } {
  const rows = view.outer * view.inner;
  const max = perRow(
    view,
    { x: FIRST },
    temporary(0),
    (at) => `let best = 0 - infinity();
      for (let i = 0; i < ${view.length}; i++) { const v = x[${at("i")}]; if (v > best) { best = v; } }
      return best;`,
  );
  const total = perRow(
    view,
    { x: FIRST, top: temporary(0) },
    temporary(1),
    (at) => `const highest = top[${rowAt(view)}];
      ${sumLoop(view.length, (i) => `exponential(x[${at(i)}] - highest)`)}return sum;`,
  );
  return { temporaries: [rows, rows], passes: [max, total] };
}

/** The row of a thread of {@link perRow}, whose index has the same names there. */
function rowAt({ outer, inner }: View): string {
  const [o = "0", i = "0"] = cells([outer, inner]).index;
  return position([o, i], [inner, 1]);
}

const forward = (result: string): Lower =>
  along((view) => {
    const { temporaries, passes } = sums(view);
    const reads = { x: FIRST, top: temporary(0), total: temporary(1) };
    const finish = perElement(
      view,
      reads,
      (at, row) => `const d = x[${at}] - top[${row}];\nconst sum = total[${row}];\nreturn ${result};`,
    );
    return { temporaries, passes: [...passes, finish] };
  });

/** `term` summed over each row into a temporary, then `result` from g, y and that total. */
const backward = (reads: Readonly<Record<string, Operand>>, term: (at: string) => string, result: string): Lower =>
  along((view) => {
    const { temporaries, passes } = sumStages(view, reads, term, temporary(0), 1);
    const finish = perElement(
      view,
      { gOf: FIRST, yOf: SECOND, total: temporary(0) },
      (at, row) => `const g = gOf[${at}];\nconst y = yOf[${at}];\nconst sum = total[${row}];\nreturn ${result};`,
    );
    return { temporaries: [view.outer * view.inner, ...temporaries], passes: [...passes, finish] };
  });

export const softmaxes = {
  softmax: forward("exponential(d) / sum"),
  logSoftmax: forward("d - logarithm(sum)"),
  softmaxBackward: backward({ g: FIRST, y: SECOND }, (at) => `g[${at}] * y[${at}]`, "y * (g - sum)"),
  logSoftmaxBackward: backward({ g: FIRST }, (at) => `g[${at}]`, "g - exponential(y) * sum"),
} satisfies Partial<Record<InstructionName, Lower>>;
