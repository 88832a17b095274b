/** Softmax and its gradients along one dimension: what a row has in common first, then every element. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Operand, Pass } from "../lowering.ts";
import { cells, lowering, operand, pass, position, temporary } from "./kernel-source.ts";
import { folded, type View } from "./reduce.ts";
import { inOrder, LARGEST, type Stages, SUM, stages } from "./stages.ts";

const [OUT, FIRST, SECOND] = [operand(0), operand(1), operand(2)];

const along = (build: (view: View) => Stages): Lower =>
  lowering(["outer", "length", "inner"], (view) => (view.outer * view.length * view.inner === 0 ? [] : build(view)));

const rowOf = (inner: number, index: readonly string[]): string => position(index, [inner, 1]);

/** One thread for each element: `at` is where it lies, `row` which row it is of. */
function perElement(
  { outer, length, inner }: View,
  reads: Readonly<Record<string, Operand>>,
  body: (at: string, row: string) => string,
): Pass {
  const { output, head, index } = cells([outer, length, inner]);
  const [o = "0", l = "0", i = "0"] = index;
  const at = position([o, l, i], [length * inner, inner, 1]);
  return pass({ output, reads, writes: OUT, body: head + body(at, rowOf(inner, [o, i])) });
}

/** From x's distance d to its row's largest, and the row's `sum` of such powers. */
const forward = (result: string): Lower =>
  along((view) => {
    const over = folded(view);
    const rows = view.outer * view.inner;
    const [top, total] = [temporary(0), temporary(1)];
    const term = (at: string) => `x[${at}]`;
    const power = (at: string, index: readonly string[]) => `exponential(x[${at}] - top[${rowOf(view.inner, index)}])`;
    const common = inOrder(
      2,
      (first) => stages({ fold: LARGEST, over, reads: { x: FIRST }, term, writes: top, first }),
      (first) => stages({ fold: SUM, over, reads: { x: FIRST, top }, term: power, writes: total, first }),
    );
    const finish = perElement(
      view,
      { x: FIRST, top, total },
      (at, row) => `const d = x[${at}] - top[${row}];\nconst sum = total[${row}];\nreturn ${result};`,
    );
    return { temporaries: [rows, rows, ...common.temporaries], passes: [...common.passes, finish] };
  });

/** From g, y and the row's `sum` of terms. */
const backward = (reads: Readonly<Record<string, Operand>>, term: (at: string) => string, result: string): Lower =>
  along((view) => {
    const total = temporary(0);
    const { temporaries, passes } = stages({ fold: SUM, over: folded(view), reads, term, writes: total, first: 1 });
    const finish = perElement(
      view,
      { gOf: FIRST, yOf: SECOND, total },
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
