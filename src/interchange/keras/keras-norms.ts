/** Keras' normalizations: over the last axis, whose place channels have there and features of a step. */
import { z } from "zod";
import { type KerasConfig, type LayerSpec, type Place, plain, refusal } from "./keras-config.ts";

export const batchNorm = plain((config, place) => {
  overLast(config, place);
  if (place.layout === "steps") throw refusal("over steps of features there is none here; use LayerNormalization");
  return {
    type: `BatchNorm${Math.max(1, place.dimensions)}d`,
    eps: config.get("epsilon", z.number(), 1e-3),
    // Keras says what is kept, PyTorch what is taken.
    momentum: Number((1 - config.get("momentum", z.number(), 0.99)).toPrecision(12)),
    ...learned(config, "affine"),
  };
});

export const layerNorm = plain((config, place) => {
  overLast(config, place);
  notOverChannels(place, "LayerNorm");
  config.only("rms_scaling", false, "; use RMSNormalization");
  return {
    type: "LayerNorm",
    eps: config.get("epsilon", z.number(), 1e-3),
    ...learned(config, "elementwise_affine"),
  };
});

export const rmsNorm = plain((config, place) => {
  overLast(config, place);
  notOverChannels(place, "RMSNorm");
  return { type: "RMSNorm", eps: config.get("epsilon", z.number(), 1e-6) };
});

export const groupNorm = plain((config, place) => {
  overLast(config, place);
  if (place.layout === "steps") throw refusal("over steps of features there is none here; use LayerNormalization");
  return {
    type: "GroupNorm",
    num_groups: config.get("groups", z.int().positive(), 32),
    eps: config.get("epsilon", z.number(), 1e-3),
    ...learned(config, "affine"),
  };
});

function overLast(config: KerasConfig, { layout, dimensions }: Place): void {
  // A layer that was built says it as a list, counted with the batch.
  const axes = [config.get("axis", z.union([z.int(), z.array(z.int())]), -1)].flat();
  const last = { channels: dimensions + 1, steps: 2, features: 1, unknown: -1 }[layout];
  if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== last))
    throw refusal(`axis is ${axes.length === 1 ? axes[0] : JSON.stringify(axes)}; the last one can be read`);
}

function notOverChannels({ layout }: Place, type: string): void {
  if (layout === "channels")
    throw refusal(`over channels, which here come first, ${type} has no such form; use GroupNormalization`);
}

/** Which of weight and bias there are; `whether` is the argument that says that there are some. */
function learned(config: KerasConfig, whether: "affine" | "elementwise_affine"): LayerSpec {
  const [center, scale] = [config.get("center", z.boolean(), true), config.get("scale", z.boolean(), true)];
  if (center && !scale) throw refusal("center without scale is not possible in PyTorch");
  return { ...(!scale && { [whether]: false }), ...(scale && !center && { bias: false }) };
}
