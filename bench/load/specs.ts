/** The jobs of the load tests, all of them really trained. */

/** About 20 ms of computing for each epoch; goes on until it is cancelled. */
export const steady = {
  name: "steady",
  model: {
    layers: [
      { type: "Linear", out_features: 64 },
      { type: "ReLU" },
      { type: "Linear", out_features: 64 },
      { type: "ReLU" },
      { type: "Linear", out_features: 3 },
    ],
  },
  loss: "CrossEntropyLoss",
  optimizer: { type: "Adam", lr: 0.001 },
  epochs: 100_000,
  batch_size: 64,
  data: { builtin: "spiral", samples: 20_000 },
  checkpoint: { every_epochs: 1000 },
};

/** A job as small as they come: four rows, two epochs. */
export const tiny = {
  name: "tiny",
  model: { layers: [{ type: "Linear", out_features: 4 }, { type: "Tanh" }, { type: "Linear", out_features: 1 }] },
  loss: "MSELoss",
  optimizer: { type: "SGD", lr: 0.1 },
  epochs: 2,
  data: {
    inline: {
      inputs: [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ],
      targets: [[0], [1], [1], [0]],
    },
  },
};

/** Some ten thousand steps a second, the loss of each in the stream. */
export const fast = (epochs: number) => ({
  name: "fast",
  model: { layers: [{ type: "Linear", out_features: 64 }, { type: "Tanh" }, { type: "Linear", out_features: 1 }] },
  loss: "MSELoss",
  optimizer: { type: "SGD", lr: 0.001 },
  epochs,
  batch_size: 8,
  stream: { steps: true },
  checkpoint: { every_epochs: 1_000_000 },
  data: { builtin: "sine", samples: 80_000 },
});
