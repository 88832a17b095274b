/** What gradients.test.ts tries of recurrent layers: every kind, both directions, states and cell. */
import { ops, type Shape, type Tensor } from "../../src/engine/index.ts";
import type { Case } from "./gradient-case.ts";

const [STEPS, BATCH, HIDDEN] = [3, 2, 2];

interface Variant {
  readonly kind: ops.RecurrentKind;
  readonly reverse?: boolean;
  readonly bias?: boolean;
  readonly projected?: boolean;
}

function recurrentCase({ kind, reverse = false, bias = true, projected = false }: Variant): Case {
  const width = { tanh: 1, relu: 1, lstm: 4, gru: 3 }[kind] * HIDDEN;
  const features = projected ? 3 : HIDDEN;
  const isLstm = kind === "lstm";
  const shapes: Shape[] = [
    [STEPS, BATCH, width],
    [width, features],
    [BATCH, features],
  ];
  if (bias) shapes.push([width]);
  if (isLstm) shapes.push([BATCH, HIDDEN]);
  if (projected) shapes.push([features, HIDDEN]);
  const f = (...inputs: Tensor[]): Tensor => {
    const left = [...inputs];
    const take = (): Tensor => {
      const next = left.shift();
      if (!next) throw new Error("the case has too few inputs");
      return next;
    };
    const [gates, weight, h0] = [take(), take(), take()];
    const given = { gates, weight, h0, bias: bias ? take() : null, c0: isLstm ? take() : null };
    const { states, cell } = ops.recurrent(kind, { ...given, projection: projected ? take() : null }, reverse);
    return cell ? ops.concat([ops.reshape(states, [-1]), ops.reshape(cell, [-1])], 0) : states;
  };
  return { f, shapes };
}

export const recurrentCases: Readonly<Record<string, Case[]>> = {
  recurrent: [
    recurrentCase({ kind: "tanh" }),
    recurrentCase({ kind: "relu", reverse: true }),
    recurrentCase({ kind: "lstm" }),
    recurrentCase({ kind: "lstm", projected: true, reverse: true, bias: false }),
    recurrentCase({ kind: "gru" }),
    recurrentCase({ kind: "gru", reverse: true, bias: false }),
  ],
};
