/** Models of the larger layers: eager and compiled give the same bits, and so does going on after a stop anywhere. */
import { expect, test } from "vitest";
import type { TrainingPlan } from "../../../src/engine/index.ts";
import { base, deterministic, train } from "./runs.ts";

const classifier = (...layers: TrainingPlan["layers"]): TrainingPlan["layers"] => [
  ...layers,
  { type: "Linear", in_features: 8, out_features: 2 },
];

const models: Record<string, TrainingPlan["layers"]> = {
  "batch normalisation": classifier({ type: "BatchNorm1d", num_features: 8 }),
  "batch normalisation by a plain average": classifier({ type: "BatchNorm1d", num_features: 8, momentum: null }),
  "layer normalisation": classifier({ type: "LayerNorm", normalized_shape: [8] }),
  "RMS normalisation": classifier({ type: "RMSNorm", normalized_shape: [8] }),
  "group normalisation": classifier({ type: "GroupNorm", num_groups: 2, num_channels: 8 }),
  "layers that hold layers": classifier({
    type: "Residual",
    layers: [
      { type: "Linear", in_features: 8, out_features: 8 },
      { type: "Sequential", layers: [{ type: "BatchNorm1d", num_features: 8 }, { type: "Dropout" }] },
    ],
  }),
  "alpha dropout": classifier({ type: "SELU" }, { type: "AlphaDropout", p: 0.2 }),
};

for (const [name, layers] of Object.entries(models)) {
  const plan: TrainingPlan = { ...base, layers, epochs: 3 };

  test(`eager and compiled give the same bits with ${name}`, () => {
    const compiled = train(plan);
    const eager = train({ ...plan, mode: "eager" });
    expect(eager.weights).toEqual(compiled.weights);
    expect(eager.events.map(deterministic)).toEqual(compiled.events.map(deterministic));
    expect(compiled.events.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  test(`stopping anywhere and going on gives the bits of the undisturbed run with ${name}`, () => {
    const undisturbed = train(plan);
    const disturbed = train(plan, [0, 1, 2, 3]);
    expect(disturbed.weights).toEqual(undisturbed.weights);
    expect(disturbed.events.map(deterministic)).toEqual(undisturbed.events.map(deterministic));
  });
}
