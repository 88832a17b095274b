/** Definition of TransformerEncoder as a layer of a job: one encoder layer's arguments, and how many there are of it. */
import { z } from "zod";
import { ShapeError } from "../shape.ts";
import { createEncoderLayer, encoderLayer } from "./attention-layers.ts";
import { defineLayer } from "./definition.ts";
import { LayerNorm, layerNormLayer } from "./layer-norm.ts";
import type { ParameterSpec } from "./parameter.ts";
import { size } from "./schema.ts";
import { TransformerEncoder } from "./transformer-stack.ts";

const MOST_LAYERS = 1000;

const normOf = (features: number) => layerNormLayer.args.parse({ normalized_shape: features });

export const encoderStackLayer = defineLayer({
  type: "TransformerEncoder",
  summary: "Several TransformerEncoderLayers of the same arguments, one after another, each with weights of its own",
  args: z.strictObject({
    encoder_layer: encoderLayer.args.describe("Arguments of each TransformerEncoderLayer"),
    num_layers: size.max(MOST_LAYERS).describe("How many"),
    norm: z.boolean().default(false).describe("A LayerNorm after the last"),
  }),
  resolve(given, input) {
    try {
      const layer = encoderLayer.resolve(given.encoder_layer, input);
      const inner =
        (layer.innerValues ?? 0) * given.num_layers + (given.num_layers - 1) * input.reduce((a, b) => a * b, 1);
      return {
        args: { ...given, encoder_layer: layer.args },
        output: layer.output,
        flops: layer.flops * given.num_layers,
        innerValues: inner,
      };
    } catch (error) {
      if (!(error instanceof ShapeError) || error.field === undefined) throw error;
      throw new ShapeError(error.message, `encoder_layer.${error.field}`);
    }
  },
  parameters({ encoder_layer, num_layers, norm }) {
    const each = Object.entries(encoderLayer.parameters(encoder_layer));
    const named = Array.from({ length: num_layers }, (_, i) =>
      each.map(([name, spec]): [string, ParameterSpec] => [`layers.${i}.${name}`, spec]),
    );
    const last = norm ? Object.entries(layerNormLayer.parameters(normOf(encoder_layer.d_model ?? 0))) : [];
    return Object.fromEntries([...named.flat(), ...last.map(([name, spec]) => [`norm.${name}`, spec] as const)]);
  },
  create({ encoder_layer, num_layers, norm }) {
    const layers = Array.from({ length: num_layers }, () => createEncoderLayer(encoder_layer));
    return new TransformerEncoder(layers, norm ? new LayerNorm(encoder_layer.d_model ?? 0) : null);
  },
});
