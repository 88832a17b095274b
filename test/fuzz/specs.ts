/** Specs that train in a moment, each another part of what a spec may hold; and rows to ask models with. */

const layers = [{ type: "Linear", out_features: 4 }, { type: "Tanh" }, { type: "Linear", out_features: 2 }];
const xor = { builtin: "xor", samples: 16 };

const base = {
  model: { layers },
  loss: "CrossEntropyLoss",
  optimizer: { type: "SGD", lr: 0.1 },
  epochs: 2,
  data: xor,
};

export const SPECS: readonly object[] = [
  base,
  {
    ...base,
    name: "all",
    metadata: { team: "a" },
    optimizer: { type: "Adam", lr: 0.01, betas: [0.9, 0.99] },
    scheduler: { type: "CosineAnnealingLR", T_max: 4 },
    validation: { split: 0.25 },
    metrics: ["accuracy", "auc"],
    tables: ["confusion_matrix"],
    batch_size: 4,
    shuffle: true,
    seed: 3,
    clip_grad_norm: 1,
    accumulate_steps: 2,
    early_stopping: { monitor: "val_loss", patience: 1 },
    checkpoint: { every_epochs: 1 },
    stream: { steps: true, every_steps: 2 },
    changes: [{ step: 2, lr: 0.05 }],
    priority: 3,
    max_runtime_s: 10,
    on_nonfinite: "rollback",
  },
  {
    ...base,
    model: { layers: [{ type: "Linear", out_features: 1 }, { type: "Sigmoid" }] },
    loss: { type: "BCELoss" },
    data: {
      inline: {
        inputs: [
          ["y", 1],
          ["n", 2],
          ["", 3],
        ],
        targets: ["a", "b", "a"],
      },
      preprocess: { map: { y: 1, n: 0, "": 0.5 } },
    },
  },
  {
    ...base,
    loss: "MSELoss",
    model: { layers: [{ type: "Linear", out_features: 1 }] },
    data: {
      dataset_id: "ds_of_the_pool",
      target: "b",
      features: ["a"],
      preprocess: { standardize: true, impute: "mean" },
    },
  },
  {
    ...base,
    data: { dataset_id: "ds_of_the_pool", target: "label", preprocess: { one_hot: ["a"], impute: "median" } },
  },
  { ...base, model: { layers, init: { job_id: "job_of_the_pool" } } },
  {
    ...base,
    model: {
      layers: [
        { type: "Conv2d", out_channels: 2, kernel_size: 3, padding: 1 },
        { type: "ReLU" },
        { type: "MaxPool2d", kernel_size: 2 },
        { type: "Flatten" },
        { type: "Residual", layers: [{ type: "Linear", out_features: 8 }] },
        { type: "Linear", out_features: 2 },
      ],
    },
    data: {
      inline: {
        inputs: [0, 1, 2, 3].map((i) => [[Array(4).fill(i), Array(4).fill(1), Array(4).fill(0), Array(4).fill(i)]]),
        targets: [0, 1, 0, 1],
      },
    },
  },
  {
    ...base,
    model: {
      layers: [
        { type: "Embedding", num_embeddings: 5, embedding_dim: 3 },
        { type: "LSTM", hidden_size: 4 },
        { type: "Linear", out_features: 2 },
      ],
    },
    data: {
      inline: {
        inputs: [
          [0, 1, 2],
          [3, 4, 0],
          [1, 1, 1],
        ],
        targets: [0, 1, 1],
      },
    },
  },
  { ...base, webhook: { url: "http://127.0.0.1:9/x", events: ["completed"] } },
  { ...base, mode: "eager", numerics: "strict", device: "cpu", epochs: 1, optimizer: { type: "Adam", lr: 1e30 } },
];

export const PREDICT_BODIES: readonly object[] = [
  { inputs: [[0, 1]] },
  {
    inputs: [
      [0, 1],
      [1, 1],
    ],
  },
  { inputs: [["y", 1]] },
  { inputs: [{ a: 1, b: 2 }] },
  { inputs: [[1]] },
];

export const SWEEPS: readonly object[] = [
  { base, space: { "optimizer.lr": { log_uniform: [0.001, 0.1] } }, trials: 2 },
  {
    name: "grid",
    base: { ...base, validation: { split: 0.25 } },
    space: { "model.layers[0].out_features": { choice: [2, 3] }, batch_size: { int: [2, 4] } },
    strategy: "grid",
    trials: 3,
    parallel: 1,
    objective: { metric: "val_loss", mode: "min" },
  },
];
