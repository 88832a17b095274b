/** What is measured: two training jobs of the sizes, and the primitives they live on. Peers know the same names. */
import type { TrainingPlan } from "../src/engine/index.ts";

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** How many units one repetition is. */
  readonly scale: number;
  /** What the peer may also call it, with its own faster options. */
  readonly peerVariants?: readonly string[];
  readonly plan?: TrainingPlan;
  readonly instruction?: "matmul" | "exp" | "tanh" | "add";
}

const ROWS = 1024;
/** Large enough to matter, small enough for the second cache: arithmetic is measured, not memory. */
export const ELEMENTS = 1 << 18;
export const MATRIX = 512;

const common = {
  epochs: 1_000_000,
  batchSize: 32,
  shuffle: true,
  dropLast: false,
  seed: 0,
  metrics: [],
  accumulateSteps: 1,
  mode: "compiled" as const,
  checkpoint: {},
};

const logistic: TrainingPlan = {
  ...common,
  layers: [{ type: "Linear", in_features: 16, out_features: 1, bias: true }, { type: "Sigmoid" }],
  loss: { type: "BCELoss" },
  optimizer: { type: "SGD", lr: 0.1 },
  train: {
    count: ROWS,
    inputs: Float32Array.from({ length: ROWS * 16 }, noise),
    inputShape: [16],
    targets: Float32Array.from({ length: ROWS }, (_, i) => i % 2),
    targetShape: [1],
  },
};

const mlp: TrainingPlan = {
  ...common,
  layers: [
    { type: "Linear", in_features: 20, out_features: 64, bias: true },
    { type: "ReLU" },
    { type: "Linear", in_features: 64, out_features: 64, bias: true },
    { type: "ReLU" },
    { type: "Linear", in_features: 64, out_features: 3, bias: true },
  ],
  loss: { type: "CrossEntropyLoss" },
  optimizer: { type: "Adam", lr: 1e-3 },
  train: {
    count: ROWS,
    inputs: Float32Array.from({ length: ROWS * 20 }, noise),
    inputShape: [20],
    targets: Int32Array.from({ length: ROWS }, (_, i) => i % 3),
    targetShape: [],
  },
};

/** Numbers in [−1, 1) without a pattern that matters; the same in every run. */
function noise(_: unknown, i: number): number {
  return ((Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 24) * 2 - 1;
}

export const WORKLOADS: readonly Workload[] = [
  {
    name: "logistic",
    title: "Logistic regression 16→1, BCELoss, SGD, batch 32",
    unit: "steps/s",
    scale: 1,
    peerVariants: ["logistic-fused", "logistic-compiled"],
    plan: logistic,
  },
  {
    name: "mlp",
    title: "MLP 20-64-64-3, ReLU, CrossEntropyLoss, Adam, batch 32",
    unit: "steps/s",
    scale: 1,
    peerVariants: ["mlp-fused", "mlp-compiled"],
    plan: mlp,
  },
  {
    name: "matmul",
    title: `Matrix product ${MATRIX}³`,
    unit: "GFLOP/s",
    scale: (2 * MATRIX ** 3) / 1e9,
    instruction: "matmul",
  },
  { name: "exp", title: "exp of 262,144 elements", unit: "Gelement/s", scale: ELEMENTS / 1e9, instruction: "exp" },
  { name: "tanh", title: "tanh of 262,144 elements", unit: "Gelement/s", scale: ELEMENTS / 1e9, instruction: "tanh" },
  { name: "add", title: "x + x of 262,144 elements", unit: "Gelement/s", scale: ELEMENTS / 1e9, instruction: "add" },
];
