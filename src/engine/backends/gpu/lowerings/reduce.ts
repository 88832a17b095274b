/** Reductions along one dimension. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower } from "../lowering.ts";
import { cells, lowering, operand, pass, position } from "./kernel-source.ts";
import { type Fold, type Folded, LARGEST, type Stages, SUM, stages } from "./stages.ts";

const [OUT, X] = [operand(0), operand(1)];

/** A view [outer, length, inner] of which the middle is special. */
export interface View {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

export const folded = ({ outer, length, inner }: View): Folded => ({ before: [outer], length, after: [inner] });

const reduction = (build: (view: View) => Stages): Lower =>
  lowering(["outer", "length", "inner"], (view) => (view.outer * view.inner === 0 ? [] : build(view)));

const staged = (fold: Fold): Lower =>
  reduction((view) =>
    stages({ fold, over: folded(view), reads: { x: X }, term: (at) => `x[${at}]`, writes: OUT, first: 0 }),
  );

export const reductions = {
  sum: staged(SUM),
  amax: staged(LARGEST),
  argmax: reduction(({ outer, length, inner }) => {
    const { output, head, index } = cells([outer, inner]);
    const [o = "0", i = "0"] = index;
    const body = `${head}let best = 0 - infinity();
      let at = 0;
      let odd = 0;
      for (let k = 0; k < ${length}; k++) {
        const v = x[${position([o, "k", i], [length * inner, inner, 1])}];
        if (odd === 0) {
          if (v > best) { best = v; at = k; } else { if (v <= best) { } else { odd = 1; at = k; } }
        }
      }
      return at;`;
    return { temporaries: [], passes: [pass({ output, reads: { x: X }, writes: OUT, body })] };
  }),
} satisfies Partial<Record<InstructionName, Lower>>;
