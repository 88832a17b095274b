/** Reductions along one dimension, in stages: no thread sums many numbers alone, and rounding errors stay small. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Operand, Pass } from "../lowering.ts";
import { cells, lowering, operand, pass, position, sumLoop, temporary } from "./kernel-source.ts";

/** A view [outer, length, inner] that loses its middle. */
export interface View {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/** Into how many parts a stage cuts `length`: few cells mean many parts, so that the GPU has threads to run. */
function partsOf({ outer, length, inner }: View): number {
  const cells = outer * inner;
  if (length <= 64 || (length <= 1024 && cells >= 4096)) return 1;
  return Math.ceil(length / Math.min(256, Math.ceil(Math.sqrt(length))));
}

/**
 * Σ term over the middle of `view`, into `writes`, in as many stages as it takes. `term` is text, given the flat index as
 * text; later stages add what the first left in temporaries, which are numbered from `first` on.
 */
export function sumStages(
  view: View,
  reads: Readonly<Record<string, Operand>>,
  term: (at: string) => string,
  writes: Operand,
  first = 0,
): { temporaries: number[]; passes: Pass[] } {
  const { outer, length, inner } = view;
  const parts = partsOf(view);
  const each = Math.ceil(length / parts);
  const to = parts === 1 ? writes : temporary(first);
  const { output, head, index } = cells([outer, parts, inner]);
  const [o = "0", p = "0", i = "0"] = index;
  const at = (step: string) => position([o, p, step, i], [length * inner, each * inner, inner, 1]);
  const last = length - (parts - 1) * each;
  const short =
    last === each ? "" : `if (${p} === ${parts - 1}) {\n${sumLoop(last, (k) => term(at(k)))}return sum;\n}\n`;
  const body = `${head}${short}${sumLoop(each, (k) => term(at(k)))}return sum;`;
  const stage = pass({ output, reads, writes: to, body });
  if (parts === 1) return { temporaries: [], passes: [stage] };
  const next = { outer, length: parts, inner };
  const rest = sumStages(next, { partial: temporary(first) }, (where) => `partial[${where}]`, writes, first + 1);
  return { temporaries: [outer * parts * inner, ...rest.temporaries], passes: [stage, ...rest.passes] };
}

/** `best` of all the numbers, NaN if there is one: `better` and `worse` together miss only NaN. */
const largest = (view: View, state: string, each: string, result: string): Pass => {
  const { outer, length, inner } = view;
  const { output, head, index } = cells([outer, inner]);
  const [o = "0", i = "0"] = index;
  const at = position([o, "i", i], [length * inner, inner, 1]);
  const body = `${head}${state}for (let i = 0; i < ${length}; i++) {\nconst v = x[${at}];\n${each}}\nreturn ${result};`;
  return pass({ output, reads: { x: operand(1) }, writes: operand(0), body });
};

const reduction = (build: (view: View) => { temporaries?: number[]; passes: Pass[] }): Lower =>
  lowering(["outer", "length", "inner"], (view) => (view.outer * view.inner === 0 ? [] : build(view)));

const LOWEST = "let best = 0 - infinity();\n";

export const reductions = {
  sum: reduction((view) => sumStages(view, { x: operand(1) }, (at) => `x[${at}]`, operand(0))),
  amax: reduction((view) => ({
    passes: [
      largest(
        view,
        `${LOWEST}let odd = 0;\n`,
        "if (v > best) { best = v; } else { if (v <= best) { } else { odd = v; } }\n",
        "best + odd",
      ),
    ],
  })),
  argmax: reduction((view) => ({
    passes: [
      largest(
        view,
        `${LOWEST}let at = 0;\nlet odd = 0;\n`,
        `if (odd === 0) {
          if (v > best) { best = v; at = i; } else { if (v <= best) { } else { odd = 1; at = i; } }
        }\n`,
        "at",
      ),
    ],
  })),
} satisfies Partial<Record<InstructionName, Lower>>;
