/** Gradients of RNN, LSTM and GRU, from the step that came last to the first. */
import type { Operand, Pass } from "../lowering.ts";
import { lowering, operand, pass, sumLoop } from "./kernel-source.ts";
import {
  gatesOf,
  inRows,
  inStep,
  isGru,
  isLstm,
  isProjected,
  isReversed,
  keptOf,
  moveOn,
  perUnit,
  type Recurrent,
  recurrentParams,
  startAt,
  Temporaries,
} from "./recurrent-steps.ts";

const [D_INPUT, D_STATE, D_RAW, DH, DC] = [operand(0), operand(1), operand(2), operand(3), operand(4)];
const [g, gCell, out, gates, cells] = [operand(5), operand(6), operand(7), operand(8), operand(9)];
const [weight, h0, c0, projection] = [operand(10), operand(11), operand(12), operand(13)];

/** dh0 and dc0 hold the gradients of the states between two steps, and at the end those at the start. */
function backward(p: Recurrent): { temporaries: number[]; passes: Pass[] } {
  const { steps, batch: N, hidden: H, features: P, kind } = p;
  const [G, kept] = [gatesOf(p), keptOf(p)];
  const room = new Temporaries();
  const step = room.one(1);
  const unit = room.one(N * H);
  const dInputs = room.perStep(steps, N * G * H);
  const dStates = room.perStep(isGru(p) ? steps : 0, N * G * H);
  const dRaws = room.perStep(isProjected(p) ? steps : 0, N * P);
  // The step that was processed before this one in the forward direction.
  const earlier = isReversed(p) ? " + 1" : " - 1";
  const gate = (n: string, k: number, j: string) => inStep("gates", [N, kept, H], [n, `${k}`, j]);
  const own = (array: string, n: string, j: string) => inRows(array, [0, H], [n, j]);
  const total = (size: number, n: string, i: string) =>
    `${inRows("dh", [0, size], [n, i])} + ${inStep("g", [N, size], [n, i])}`;

  /** The gradient of what each unit gave, before a projection. */
  const units = (s: number): Pass[] => {
    if (!isProjected(p)) {
      return [perUnit([N, H], { dh: DH, g, step }, unit, (n = "", j = "") => `return ${total(H, n, j)};`)];
    }
    const dRaw = dRaws.at(s);
    const term = (n: string, j: string) => (f: string) =>
      `${inRows("dRaw", [0, P], [n, f])} * ${inRows("projection", [0, H], [f, j])}`;
    return [
      perUnit([N, P], { dh: DH, g, step }, dRaw, (n = "", f = "") => `return ${total(P, n, f)};`),
      perUnit([N, H], { dRaw, projection }, unit, (n = "", j = "") => `${sumLoop(P, term(n, j))}return sum;`),
    ];
  };

  const lstm = (s: number): Pass[] => {
    const first = s === steps - 1;
    const before = (n: string, j: string) => (first ? own("before", n, j) : inStep("cells", [N, H], [n, j], earlier));
    return [
      perUnit(
        [N, H],
        { dc: DC, unit, gates, cells, step },
        DC,
        (n = "", j = "") =>
          `const squashed = hyperbolic(${inStep("cells", [N, H], [n, j])});
        return ${own("dc", n, j)} + ${own("unit", n, j)} * ${gate(n, 3, j)} * (1 - squashed * squashed);`,
      ),
      perUnit(
        [N, 4, H],
        { dcOf: DC, unit, gates, cells, step, ...(first ? { before: c0 } : {}) },
        dInputs.at(s),
        (n = "", k = "", j = "") =>
          `const dc = ${own("dcOf", n, j)};
          const inward = ${gate(n, 0, j)};
          const forget = ${gate(n, 1, j)};
          const candidate = ${gate(n, 2, j)};
          const outward = ${gate(n, 3, j)};
          if (${k} === 0) { return dc * candidate * inward * (1 - inward); }
          if (${k} === 1) { return dc * ${before(n, j)} * forget * (1 - forget); }
          if (${k} === 2) { return dc * inward * (1 - candidate * candidate); }
          return ${own("unit", n, j)} * hyperbolic(${inStep("cells", [N, H], [n, j])}) * outward * (1 - outward);`,
      ),
      perUnit([N, H], { dc: DC, gates, step }, DC, (n = "", j = "") => `return ${own("dc", n, j)} * ${gate(n, 1, j)};`),
    ];
  };

  const gru = (s: number): Pass[] => {
    const first = s === steps - 1;
    const before = (n: string, j: string) => (first ? own("before", n, j) : inStep("out", [N, H], [n, j], earlier));
    const change = (n: string, j: string) =>
      `${own("unit", n, j)} * (1 - ${gate(n, 1, j)}) * (1 - ${gate(n, 2, j)} * ${gate(n, 2, j)})`;
    return [
      perUnit(
        [N, 3, H],
        { unit, gates, step, ...(first ? { before: h0 } : { out }) },
        dInputs.at(s),
        (n = "", k = "", j = "") =>
          `const change = ${change(n, j)};
          const reset = ${gate(n, 0, j)};
          const update = ${gate(n, 1, j)};
          if (${k} === 0) { return change * ${gate(n, 3, j)} * reset * (1 - reset); }
          if (${k} === 1) { return ${own("unit", n, j)} * (${before(n, j)} - ${gate(n, 2, j)}) * update * (1 - update); }
          return change;`,
      ),
      perUnit([N, 3, H], { dInput: dInputs.at(s), gates, step }, dStates.at(s), (n = "", k = "", j = "") => {
        const value = inRows("dInput", [0, 3, H], [n, k, j]);
        return `return ${k} === 2 ? ${value} * ${gate(n, 0, j)} : ${value};`;
      }),
    ];
  };

  const plain = (s: number): Pass =>
    perUnit(
      [N, H],
      { unit, out, step },
      dInputs.at(s),
      (n = "", j = "") =>
        `const h = ${inStep("out", [N, H], [n, j])};
      const d = ${own("unit", n, j)};
      return ${kind === 0 ? "d * (1 - h * h)" : "h <= 0 ? 0 : d"};`,
    );

  /** What goes on to the state before: through the weights, and in a GRU past them. */
  const state = (s: number): Pass => {
    const through: Operand = isGru(p) ? dStates.at(s) : dInputs.at(s);
    const direct = isGru(p) ? { unit, gates, step } : {};
    return perUnit([N, P], { through, weight, ...direct }, DH, (n = "", f = "") => {
      const term = (k: string) => `${inRows("through", [0, G * H], [n, k])} * ${inRows("weight", [0, P], [k, f])}`;
      return `${sumLoop(G * H, term)}return sum${isGru(p) ? ` + ${own("unit", n, f)} * ${gate(n, 1, f)}` : ""};`;
    });
  };

  const passes = [
    startAt(step, isReversed(p) ? 0 : steps - 1),
    pass({ output: [N * P], writes: DH, body: "return 0;" }),
    isLstm(p)
      ? pass({ output: [N * H], reads: { gCell }, writes: DC, body: "return gCell[this.thread.x];" })
      : pass({ output: [N * H], writes: DC, body: "return 0;" }),
  ];
  for (let s = 0; s < steps; s++) {
    passes.push(...units(s), ...(isLstm(p) ? lstm(s) : isGru(p) ? gru(s) : [plain(s)]), state(s));
    passes.push(moveOn(step, !isReversed(p)));
  }
  // Processed from the end, so the first of them is the last in time unless the sequence itself is reversed.
  passes.push(...dInputs.gather(D_INPUT, !isReversed(p)));
  if (isGru(p)) passes.push(...dStates.gather(D_STATE, !isReversed(p)));
  if (isProjected(p)) passes.push(...dRaws.gather(D_RAW, !isReversed(p)));
  return { temporaries: room.sizes, passes };
}

export const recurrentBackward = lowering(recurrentParams, (p) => {
  const { steps, batch, hidden, features } = p;
  if (steps * batch > 0) return backward(p);
  return [
    pass({ output: [batch * features], writes: DH, body: "return 0;" }),
    pass({ output: [batch * hidden], writes: DC, body: "return 0;" }),
  ];
});
