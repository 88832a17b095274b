/** Models as the service stores them, with weights that say by themselves what must come out. */
import type { ModelParts } from "../../../src/api/inference/protocol.ts";
import { createWasmBackend, Trainer } from "../../../src/engine/index.ts";

const backend = await createWasmBackend({ threads: 1 });

/** outputs = factor · inputs, for samples of `width` numbers. */
export function scaling(factor: number, width = 2, more: Partial<ModelParts> = {}): ModelParts {
  const layers = [{ type: "Linear", in_features: width, out_features: width, bias: false }];
  const data = new Float32Array(width * width);
  for (let i = 0; i < width; i++) data[i * width + i] = factor;
  return { ...untrained(layers, [width], { "0.weight": { shape: [width, width], data } }), ...more };
}

/** Samples minus the mean of those that are asked with them, over their deviation. */
export const centring = (): ModelParts =>
  untrained([{ type: "BatchNorm1d", num_features: 2, affine: true, track_running_stats: false }], [2], {});

function untrained(
  layers: ModelParts["layers"],
  shape: readonly number[],
  initialWeights: Record<string, { shape: readonly number[]; data: Float32Array }>,
): ModelParts {
  const samples = 4 * shape.reduce((a, b) => a * b, 1);
  const trainer = Trainer.create(
    {
      layers,
      loss: { type: "MSELoss" },
      optimizer: { type: "SGD", lr: 0.1 },
      train: {
        count: 4,
        inputs: new Float32Array(samples),
        inputShape: shape,
        targets: new Float32Array(samples),
        targetShape: shape,
      },
      initialWeights,
      epochs: 1,
      batchSize: 4,
      shuffle: false,
      dropLast: false,
      seed: 0,
      metrics: [],
      accumulateSteps: 1,
      checkpoint: {},
      mode: "compiled",
    },
    backend,
  );
  const checkpoint = trainer.checkpoint();
  trainer.dispose();
  const preprocess = {
    version: 1,
    features: null,
    rawShape: shape,
    shape,
    map: null,
    oneHot: [],
    impute: null,
    scale: 1,
    mean: null,
    std: null,
  } as const;
  const at = { epoch: 0, step: 0 };
  return { layers, loss: "MSELoss", preprocess, classes: null, checkpoint, at, which: "last" };
}
