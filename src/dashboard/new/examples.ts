/** Runs to start with one click: small, and each shows something else. */
import type { JsonObject } from "./json.ts";

export interface Example {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly spec: JsonObject;
}

const linear = (out_features: number): JsonObject => ({ type: "Linear", out_features });
const layers = (...all: readonly JsonObject[]): JsonObject => ({ layers: all });

export const examples: readonly Example[] = [
  {
    id: "moons",
    title: "Two moons",
    about: "A decision boundary that bends around two half circles.",
    spec: {
      name: "two moons",
      model: layers(linear(32), { type: "Tanh" }, linear(32), { type: "Tanh" }, linear(2)),
      loss: "CrossEntropyLoss",
      optimizer: { type: "Adam", lr: 0.01 },
      epochs: 120,
      batch_size: 32,
      data: { builtin: "moons", samples: 600, noise: 0.18 },
      validation: { split: 0.25 },
      metrics: ["accuracy", "confusion_matrix"],
      probes: { grid: {} },
    },
  },
  {
    id: "spiral",
    title: "Spirals",
    about: "Two arms wound around each other: hard for a small network, easy for a deep one.",
    spec: {
      name: "spirals",
      model: layers(
        linear(64),
        { type: "ReLU" },
        linear(64),
        { type: "ReLU" },
        linear(64),
        { type: "ReLU" },
        linear(2),
      ),
      loss: "CrossEntropyLoss",
      optimizer: { type: "AdamW", lr: 0.005 },
      scheduler: { type: "CosineAnnealingLR", T_max: 300 },
      epochs: 300,
      batch_size: 64,
      data: { builtin: "spiral", samples: 900, noise: 0.04 },
      validation: { split: 0.2 },
      metrics: ["accuracy", "confusion_matrix"],
      probes: { grid: {} },
    },
  },
  {
    id: "sine",
    title: "A sine",
    about: "A curve fitted to noisy points, and what it leaves over.",
    spec: {
      name: "a sine",
      model: layers(linear(32), { type: "Tanh" }, linear(32), { type: "Tanh" }, linear(1)),
      loss: "MSELoss",
      optimizer: { type: "Adam", lr: 0.01 },
      epochs: 300,
      batch_size: 32,
      data: { builtin: "sine", samples: 300, noise: 0.1 },
      validation: { split: 0.2 },
      metrics: ["r2", "mae"],
      probes: { grid: {} },
    },
  },
  {
    id: "iris",
    title: "Iris",
    about: "Three species of flowers by four measures.",
    spec: {
      name: "iris",
      model: layers(linear(16), { type: "ReLU" }, linear(3)),
      loss: "CrossEntropyLoss",
      optimizer: { type: "Adam", lr: 0.02 },
      epochs: 80,
      batch_size: 16,
      data: { builtin: "iris", preprocess: { standardize: true } },
      validation: { split: 0.3 },
      metrics: ["accuracy", "confusion_matrix"],
      probes: { grid: { x: { feature: "petal_length" }, y: { feature: "petal_width" } } },
    },
  },
  {
    id: "digits",
    title: "Handwritten digits",
    about: "A convolutional network on 8 × 8 pixels. Draw one yourself afterwards.",
    spec: {
      name: "digits",
      model: layers(
        { type: "Conv2d", out_channels: 16, kernel_size: 3, padding: 1 },
        { type: "ReLU" },
        { type: "MaxPool2d", kernel_size: 2 },
        { type: "Conv2d", out_channels: 32, kernel_size: 3, padding: 1 },
        { type: "ReLU" },
        { type: "Flatten" },
        { type: "Dropout", p: 0.25 },
        linear(10),
      ),
      loss: "CrossEntropyLoss",
      optimizer: { type: "Adam", lr: 0.003 },
      epochs: 12,
      batch_size: 64,
      data: { builtin: "digits", preprocess: { scale: 0.0625, shape: [1, 8, 8] } },
      validation: { split: 0.2 },
      metrics: ["accuracy", "confusion_matrix"],
    },
  },
  {
    id: "diabetes",
    title: "Diabetes",
    about: "How the disease goes on after a year, from ten measures: a regression with its residuals.",
    spec: {
      name: "diabetes",
      model: layers(linear(32), { type: "ReLU" }, { type: "Dropout", p: 0.2 }, linear(1)),
      loss: "SmoothL1Loss",
      optimizer: { type: "AdamW", lr: 0.02, weight_decay: 0.05 },
      epochs: 150,
      batch_size: 32,
      data: { builtin: "diabetes", preprocess: { standardize: true } },
      validation: { split: 0.25 },
      metrics: ["r2", "mae"],
      early_stopping: { patience: 30 },
    },
  },
];

/** Where an editor begins that nobody gave anything. */
export const blank: JsonObject = {
  name: "my first network",
  model: layers(linear(16), { type: "ReLU" }, linear(2)),
  loss: "CrossEntropyLoss",
  optimizer: { type: "Adam", lr: 0.01 },
  epochs: 100,
  batch_size: 32,
  data: { builtin: "moons", samples: 500, noise: 0.2 },
  validation: { split: 0.2 },
  metrics: ["accuracy"],
  probes: { grid: {} },
};
