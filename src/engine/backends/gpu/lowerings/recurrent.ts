/** RNN, LSTM and GRU over a sequence, step by step. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Operand, Pass } from "../lowering.ts";
import { lowering, operand, sumLoop } from "./kernel-source.ts";
import { recurrentBackward } from "./recurrent-backward.ts";
import {
  gatesOf,
  hasBias,
  inRows,
  inStep,
  isGru,
  isLstm,
  isProjected,
  isRelu,
  isReversed,
  keptOf,
  moveOn,
  perUnit,
  type Recurrent,
  recurrentParams,
  startAt,
  Temporaries,
} from "./recurrent-steps.ts";

const [OUT, GATES, CELLS, RAW] = [operand(0), operand(1), operand(2), operand(3)];
const [gi, weight, bias] = [operand(4), operand(5), operand(6)];
const [h0, c0, projection] = [operand(7), operand(8), operand(9)];

/** The state's part of gate k of unit j of sequence n, as statements that define `sum`. */
function stateLoop({ hidden: H, features: P }: Recurrent, n: string, k: string, j: string): string {
  return sumLoop(P, (i) => `${inRows("weight", [0, H, P], [k, j, i])} * ${inRows("h", [0, P], [n, i])}`);
}

function forward(p: Recurrent): { temporaries: number[]; passes: Pass[] } {
  const { steps, batch: N, hidden: H, features: P } = p;
  const [G, kept] = [gatesOf(p), keptOf(p)];
  const room = new Temporaries();
  const step = room.one(1);
  const sums = isGru(p) ? room.one(N * G * H) : step;
  const outs = room.perStep(steps, N * P);
  const gates = room.perStep(isLstm(p) || isGru(p) ? steps : 0, N * kept * H);
  const cells = room.perStep(isLstm(p) ? steps : 0, N * H);
  const raws = room.perStep(isProjected(p) ? steps : 0, N * H);
  const own = { weight, ...(hasBias(p) ? { bias } : {}) };
  const biased = (k: string, j: string) => (hasBias(p) ? ` + ${inRows("bias", [0, H], [k, j])}` : "");
  const input = (n: string, k: string, j: string) => inStep("gi", [N, G, H], [n, k, j]);

  const lstm = (s: number, h: Operand): Pass[] => {
    const before = s === 0 ? c0 : cells.at(s - 1);
    const gate = (n: string, k: number, j: string) => inRows("gates", [0, 4, H], [n, `${k}`, j]);
    const unit = isProjected(p) ? raws.at(s) : outs.at(s);
    return [
      perUnit([N, 4, H], { ...own, h, gi, step }, gates.at(s), (n = "", k = "", j = "") => {
        const total = `sum${biased(k, j)} + ${input(n, k, j)}`;
        return `${stateLoop(p, n, k, j)}const v = ${total};\nreturn ${k} === 2 ? hyperbolic(v) : sigmoid(v);`;
      }),
      perUnit([N, H], { gates: gates.at(s), before }, cells.at(s), (n = "", j = "") => {
        const kept = `${gate(n, 1, j)} * ${inRows("before", [0, H], [n, j])}`;
        return `return ${kept} + ${gate(n, 0, j)} * ${gate(n, 2, j)};`;
      }),
      perUnit(
        [N, H],
        { gates: gates.at(s), cells: cells.at(s) },
        unit,
        (n = "", j = "") => `return ${gate(n, 3, j)} * hyperbolic(${inRows("cells", [0, H], [n, j])});`,
      ),
    ];
  };

  const gru = (s: number, h: Operand): Pass[] => {
    const fromState = (n: string, k: number, j: string) => inRows("sums", [0, 3, H], [n, `${k}`, j]);
    const opened = (n: string, k: number, j: string) => `sigmoid(${fromState(n, k, j)} + ${input(n, `${k}`, j)})`;
    const gate = (n: string, k: number, j: string) => inRows("gates", [0, 4, H], [n, `${k}`, j]);
    return [
      perUnit(
        [N, 3, H],
        { ...own, h },
        sums,
        (n = "", k = "", j = "") => `${stateLoop(p, n, k, j)}return sum${biased(k, j)};`,
      ),
      perUnit(
        [N, 4, H],
        { sums, gi, step },
        gates.at(s),
        (n = "", k = "", j = "") =>
          `if (${k} === 0) { return ${opened(n, 0, j)}; }
        if (${k} === 1) { return ${opened(n, 1, j)}; }
        const inner = ${fromState(n, 2, j)};
        if (${k} === 3) { return inner; }
        return hyperbolic(${input(n, "2", j)} + ${opened(n, 0, j)} * inner);`,
      ),
      perUnit(
        [N, H],
        { gates: gates.at(s), h },
        outs.at(s),
        (n = "", j = "") =>
          `const z = ${gate(n, 1, j)};\nreturn (1 - z) * ${gate(n, 2, j)} + z * ${inRows("h", [0, P], [n, j])};`,
      ),
    ];
  };

  const plain = (s: number, h: Operand): Pass[] => [
    perUnit([N, H], { ...own, h, gi, step }, outs.at(s), (n = "", j = "") => {
      const total = `sum${biased("0", j)} + ${input(n, "0", j)}`;
      const result = isRelu(p) ? "v < 0 ? 0 : v" : "hyperbolic(v)";
      return `${stateLoop(p, n, "0", j)}const v = ${total};\nreturn ${result};`;
    }),
  ];

  const projected = (s: number): Pass =>
    perUnit([N, P], { projection, raw: raws.at(s) }, outs.at(s), (n = "", f = "") => {
      const term = (j: string) => `${inRows("projection", [0, H], [f, j])} * ${inRows("raw", [0, H], [n, j])}`;
      return `${sumLoop(H, term)}return sum;`;
    });

  const passes = [startAt(step, isReversed(p) ? steps - 1 : 0)];
  for (let s = 0; s < steps; s++) {
    const h = s === 0 ? h0 : outs.at(s - 1);
    passes.push(...(isLstm(p) ? lstm(s, h) : isGru(p) ? gru(s, h) : plain(s, h)));
    if (isProjected(p)) passes.push(projected(s));
    passes.push(moveOn(step, isReversed(p)));
  }
  passes.push(...outs.gather(OUT, isReversed(p)));
  if (isLstm(p) || isGru(p)) passes.push(...gates.gather(GATES, isReversed(p)));
  if (isLstm(p)) passes.push(...cells.gather(CELLS, isReversed(p)));
  if (isProjected(p)) passes.push(...raws.gather(RAW, isReversed(p)));
  return { temporaries: room.sizes, passes };
}

export const recurrents = {
  recurrent: lowering(recurrentParams, (p) => (p.steps * p.batch === 0 ? [] : forward(p))),
  recurrentBackward,
} satisfies Partial<Record<InstructionName, Lower>>;
