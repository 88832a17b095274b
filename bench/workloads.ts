/** What is measured: training jobs from tiny to wide, and the primitives they live on. Peers know the same names. */
import type { TrainingPlan } from "../src/engine/index.ts";

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** How many units one repetition is. */
  readonly scale: number;
  /** What PyTorch may also call it, with its own faster options. */
  readonly torchVariants?: readonly string[];
  readonly plan?: TrainingPlan;
  readonly instruction?: "matmul" | "exp" | "tanh" | "add";
}

const ROWS = 1024;
/** Large enough to matter, small enough for the second cache: arithmetic is measured, not memory. */
export const ELEMENTS = 1 << 18;
export const MATRIX = 512;
export const MATRIX_FLOPS = 2 * MATRIX ** 3;

interface Training {
  readonly layers: TrainingPlan["layers"];
  readonly loss: string;
  readonly optimizer: TrainingPlan["optimizer"];
  readonly input: readonly number[];
  /** Classes, or 0 for one number between 0 and 1. */
  readonly classes: number;
  readonly batchSize: number;
  readonly rows?: number;
}

export function training({ layers, loss, optimizer, input, classes, batchSize, rows = ROWS }: Training): TrainingPlan {
  const width = input.reduce((product, size) => product * size, 1);
  return {
    layers,
    loss: { type: loss },
    optimizer,
    train: {
      count: rows,
      inputs: Float32Array.from({ length: rows * width }, noise),
      inputShape: input,
      targets:
        classes > 0
          ? Int32Array.from({ length: rows }, (_, i) => i % classes)
          : Float32Array.from({ length: rows }, (_, i) => i % 2),
      targetShape: classes > 0 ? [] : [1],
    },
    epochs: 1_000_000,
    batchSize,
    shuffle: true,
    dropLast: false,
    seed: 0,
    metrics: [],
    accumulateSteps: 1,
    mode: "compiled",
    checkpoint: {},
  };
}

export const linear = (in_features: number, out_features: number) => ({
  type: "Linear",
  in_features,
  out_features,
  bias: true,
});
export const relu = { type: "ReLU" };
const adam = { type: "Adam", lr: 1e-3 };

const logistic = training({
  layers: [linear(16, 1), { type: "Sigmoid" }],
  loss: "BCELoss",
  optimizer: { type: "SGD", lr: 0.1 },
  input: [16],
  classes: 0,
  batchSize: 32,
});
const mlp = training({
  layers: [linear(20, 64), relu, linear(64, 64), relu, linear(64, 3)],
  loss: "CrossEntropyLoss",
  optimizer: adam,
  input: [20],
  classes: 3,
  batchSize: 32,
});
const digitsMlp = training({
  layers: [linear(784, 256), relu, linear(256, 128), relu, linear(128, 10)],
  loss: "CrossEntropyLoss",
  optimizer: adam,
  input: [784],
  classes: 10,
  batchSize: 64,
});
const wideMlp = training({
  layers: [linear(1024, 1024), relu, linear(1024, 1024), relu, linear(1024, 10)],
  loss: "CrossEntropyLoss",
  optimizer: { type: "SGD", lr: 0.01 },
  input: [1024],
  classes: 10,
  batchSize: 256,
});
/** For GPUs: on a CPU a step takes a second. */
export const wideForGpus: Workload = {
  name: "wide-4096",
  title: "MLP 4096-4096-4096-10, ReLU, CrossEntropyLoss, SGD, batch 512",
  unit: "steps/s",
  scale: 1,
  get plan() {
    return training({
      layers: [linear(4096, 4096), relu, linear(4096, 4096), relu, linear(4096, 10)],
      loss: "CrossEntropyLoss",
      optimizer: { type: "SGD", lr: 0.01 },
      input: [4096],
      classes: 10,
      batchSize: 512,
      rows: 8192,
    });
  },
};
export const convolution = (in_channels: number, out_channels: number) => ({
  type: "Conv2d",
  in_channels,
  out_channels,
  kernel_size: 3,
  padding: 1,
});
const pool = { type: "MaxPool2d", kernel_size: 2 };
const cnn = training({
  layers: [convolution(1, 16), relu, pool, convolution(16, 32), relu, pool, { type: "Flatten" }, linear(32 * 49, 10)],
  loss: "CrossEntropyLoss",
  optimizer: adam,
  input: [1, 28, 28],
  classes: 10,
  batchSize: 64,
});

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
    torchVariants: ["logistic-fused", "logistic-compiled"],
    plan: logistic,
  },
  {
    name: "mlp",
    title: "MLP 20-64-64-3, ReLU, CrossEntropyLoss, Adam, batch 32",
    unit: "steps/s",
    scale: 1,
    torchVariants: ["mlp-fused", "mlp-compiled"],
    plan: mlp,
  },
  {
    name: "digits-mlp",
    title: "MLP 784-256-128-10, ReLU, CrossEntropyLoss, Adam, batch 64",
    unit: "steps/s",
    scale: 1,
    torchVariants: ["digits-mlp-fused"],
    plan: digitsMlp,
  },
  {
    name: "cnn",
    title: "CNN of two 3×3 convolutions (16, 32 channels) on 28×28, CrossEntropyLoss, Adam, batch 64",
    unit: "steps/s",
    scale: 1,
    torchVariants: ["cnn-fused"],
    plan: cnn,
  },
  {
    name: "wide",
    title: "MLP 1024-1024-1024-10, ReLU, CrossEntropyLoss, SGD, batch 256",
    unit: "steps/s",
    scale: 1,
    plan: wideMlp,
  },
  {
    name: "matmul",
    title: `Matrix product ${MATRIX}³`,
    unit: "GFLOP/s",
    scale: MATRIX_FLOPS / 1e9,
    instruction: "matmul",
  },
  { name: "exp", title: "exp of 262,144 elements", unit: "Gelement/s", scale: ELEMENTS / 1e9, instruction: "exp" },
  { name: "tanh", title: "tanh of 262,144 elements", unit: "Gelement/s", scale: ELEMENTS / 1e9, instruction: "tanh" },
  { name: "add", title: "x + x of 262,144 elements", unit: "Gelement/s", scale: ELEMENTS / 1e9, instruction: "add" },
];
