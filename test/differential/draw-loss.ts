/** Random losses: what the model must end with, and targets that suit. */
import type { Draw } from "../draw.ts";
import type { Args } from "./draw-layers.ts";

export interface DrawnLoss {
  readonly type: string;
  readonly args: Args;
  /** Layers that bring the outputs where the loss wants them. */
  readonly ends?: readonly (Args & { readonly type: string })[];
  readonly outputs: number;
  target(draw: Draw): number | number[];
}

const reduction = (draw: Draw): Args => (draw.chance(0.3) ? { reduction: draw.pick(["mean", "sum"]) } : {});
const weights = (draw: Draw, count: number): number[] => draw.list(count, () => draw.real(0.2, 2));
const row = (count: number, make: (draw: Draw) => number) => (draw: Draw) => draw.list(count, () => make(draw));
const value = (draw: Draw): number => draw.real(-2, 2);
const share = (draw: Draw): number => draw.real(0, 1);
const sign = (draw: Draw): number => draw.pick([-1, 1]);
const flag = (draw: Draw): number => draw.int(0, 1);
const logSoftmax = { type: "LogSoftmax", dim: 1 };

type Make = (draw: Draw, outputs: number) => Omit<DrawnLoss, "type" | "outputs"> & { readonly outputs?: number };

export const lossMakers: Readonly<Record<string, Make>> = {
  MSELoss: (draw, n) => ({ args: reduction(draw), target: row(n, value) }),
  L1Loss: (draw, n) => ({ args: reduction(draw), target: row(n, value) }),
  SmoothL1Loss: (draw, n) => ({ args: { ...reduction(draw), beta: draw.real(0, 2) }, target: row(n, value) }),
  HuberLoss: (draw, n) => ({ args: { ...reduction(draw), delta: draw.real(0.1, 2) }, target: row(n, value) }),
  BCELoss: (draw, n) => ({
    args: { ...reduction(draw), ...(draw.chance(0.3) && { weight: weights(draw, n) }) },
    ends: [{ type: "Sigmoid" }],
    target: row(n, draw.chance(0.5) ? flag : share),
  }),
  BCEWithLogitsLoss: (draw, n) => ({
    args: { ...reduction(draw), ...(draw.chance(0.3) && { pos_weight: weights(draw, n) }) },
    target: row(n, draw.chance(0.5) ? flag : share),
  }),
  CrossEntropyLoss: (draw, n) => ({
    args: {
      ...reduction(draw),
      ...(draw.chance(0.3) && { weight: weights(draw, n) }),
      ...(draw.chance(0.3) && { label_smoothing: draw.real(0, 0.5) }),
      ...(draw.chance(0.2) && { ignore_index: 0 }),
    },
    target: (d) => d.int(0, n - 1),
  }),
  NLLLoss: (draw, n) => ({
    args: { ...reduction(draw), ...(draw.chance(0.3) && { weight: weights(draw, n) }) },
    ends: [logSoftmax],
    target: (d) => d.int(0, n - 1),
  }),
  KLDivLoss: (draw, n) => ({
    args: { reduction: draw.pick(["mean", "sum", "batchmean"]), log_target: draw.chance(0.3) },
    ends: [logSoftmax],
    target: row(n, share),
  }),
  PoissonNLLLoss: (draw, n) => {
    const log_input = draw.chance(0.6);
    return {
      args: { ...reduction(draw), log_input, full: draw.chance(0.5) },
      ...(!log_input && { ends: [{ type: "Softplus" }] }),
      target: row(n, (d) => d.int(0, 5)),
    };
  },
  GaussianNLLLoss: (draw, n) => ({
    args: { ...reduction(draw), full: draw.chance(0.5), eps: draw.pick([1e-6, 0.5]) },
    outputs: 2 * n,
    target: row(n, value),
  }),
  CTCLoss: (draw, n) => {
    const [steps, blank, input_lengths] = [draw.int(3, 6), draw.int(0, n - 1), draw.chance(0.5)];
    const most = draw.int(1, 3);
    return {
      args: { ...reduction(draw), blank, zero_infinity: true, input_lengths },
      outputs: steps * n,
      ends: [
        { type: "Unflatten", dim: 1, unflattened_size: [steps, n] },
        { type: "LogSoftmax", dim: -1 },
      ],
      target: (d) => {
        const labels = d.list(d.int(0, most), () => (blank + d.int(1, n - 1)) % n);
        const filled = [...labels, ...Array<number>(most).fill(-1)].slice(0, most);
        return input_lengths ? [d.int(1, steps), ...filled] : filled;
      },
    };
  },
  SoftMarginLoss: (draw, n) => ({ args: reduction(draw), target: row(n, sign) }),
  HingeEmbeddingLoss: (draw, n) => ({ args: { ...reduction(draw), margin: draw.real(0.2, 2) }, target: row(n, sign) }),
  MultiMarginLoss: (draw, n) => ({
    args: {
      ...reduction(draw),
      p: draw.int(1, 2),
      margin: draw.real(0.2, 2),
      ...(draw.chance(0.3) && { weight: weights(draw, n) }),
    },
    target: (d) => d.int(0, n - 1),
  }),
  MultiLabelMarginLoss: (draw, n) => ({
    args: reduction(draw),
    target: (d) => {
      const labels = [...Array(n).keys()].filter(() => d.chance(0.5));
      return [...labels, -1, ...Array<number>(n).fill(0)].slice(0, n);
    },
  }),
  MultiLabelSoftMarginLoss: (draw, n) => ({
    args: { ...reduction(draw), ...(draw.chance(0.3) && { weight: weights(draw, n) }) },
    target: row(n, flag),
  }),
};

export function drawLoss(draw: Draw): DrawnLoss {
  const [type, make] = draw.pick(Object.entries(lossMakers));
  const outputs = draw.int(2, 4);
  return { type, outputs, ...make(draw, outputs) };
}
