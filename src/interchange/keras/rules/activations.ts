/** Activations, softmaxes and dropouts as Keras has them. */
import * as nn from "../../../engine/nn/activations.ts";
import { dropoutLayers } from "../../../engine/nn/dropout.ts";
import { gluLayer } from "../../../engine/nn/glu.ts";
import { preluLayer, rreluLayer } from "../../../engine/nn/learned-slopes.ts";
import { impliedDim, LogSoftmax, Softmax, Softmax2d, Softmin } from "../../../engine/nn/softmax.ts";
import { type PlacedLayer, rule } from "../../layer-rules.ts";
import { literal } from "../../python/source.ts";
import type { KerasModel } from "../keras-model.ts";

/** By name. */
const plain =
  (name: string) =>
  (_: unknown, model: KerasModel): void =>
    model.add(`layers.Activation("${name}")`);

const by = (model: KerasModel, formula: string): void => model.add(`layers.Activation(lambda x: ${formula})`);

/** Along a dimension, counted with the batch, which means the job's order. */
function along({ args, input }: PlacedLayer<{ dim: number | null }>, model: KerasModel, name: string, x = "x"): void {
  model.channelsFirst();
  by(model, `ops.${name}(${x}, axis=${impliedDim(input.length + 1, args.dim)})`);
}

export const activationRules = [
  rule(nn.ReLU.definition, plain("relu")),
  rule(nn.ReLU6.definition, plain("relu6")),
  rule(nn.LeakyReLU.definition, ({ args }, model: KerasModel) =>
    model.add(`layers.LeakyReLU(negative_slope=${args.negative_slope})`),
  ),
  rule(nn.ELU.definition, ({ args }, model: KerasModel) => by(model, `ops.elu(x, alpha=${args.alpha})`)),
  rule(nn.CELU.definition, ({ args }, model: KerasModel) => by(model, `ops.celu(x, alpha=${args.alpha})`)),
  rule(nn.SELU.definition, plain("selu")),
  rule(nn.GELU.definition, ({ args }, model: KerasModel) =>
    by(model, `ops.gelu(x, approximate=${args.approximate === "tanh" ? "True" : "False"})`),
  ),
  rule(nn.SiLU.definition, plain("silu")),
  rule(nn.Mish.definition, plain("mish")),
  rule(nn.Sigmoid.definition, plain("sigmoid")),
  rule(nn.Tanh.definition, plain("tanh")),
  rule(nn.LogSigmoid.definition, plain("log_sigmoid")),
  rule(nn.Softsign.definition, plain("softsign")),
  rule(nn.Tanhshrink.definition, plain("tanh_shrink")),
  rule(nn.Softplus.definition, ({ args: { beta, threshold } }, model: KerasModel) =>
    by(model, `ops.where(${beta} * x > ${threshold}, x, ops.softplus(${beta} * x) / ${beta})`),
  ),
  rule(nn.Hardtanh.definition, ({ args }, model: KerasModel) =>
    by(model, `ops.clip(x, ${args.min_val}, ${args.max_val})`),
  ),
  rule(nn.Hardsigmoid.definition, plain("hard_sigmoid")),
  rule(nn.Hardswish.definition, plain("hard_silu")),
  rule(nn.Hardshrink.definition, ({ args }, model: KerasModel) =>
    by(model, `ops.hard_shrink(x, threshold=${args.lambd})`),
  ),
  rule(nn.Softshrink.definition, ({ args }, model: KerasModel) =>
    by(model, `ops.soft_shrink(x, threshold=${args.lambd})`),
  ),
  rule(nn.Threshold.definition, ({ args }, model: KerasModel) =>
    by(model, `ops.where(x > ${args.threshold}, x, ${args.value})`),
  ),
  rule(gluLayer, ({ args }, model: KerasModel) => {
    model.channelsFirst();
    // An Activation would keep the shape.
    model.add(`layers.Lambda(lambda x: ops.glu(x, axis=${args.dim}))`);
  }),
  rule(preluLayer, ({ name, args, input }, model: KerasModel) => {
    model.channelsFirst();
    const shape = input.map((_, i) => (i === 0 ? args.num_parameters : 1));
    const shared = shape.flatMap((count, i) => (count === 1 ? [i + 1] : []));
    const { data } = model.weight(`${name}.weight`);
    model.add(`layers.PReLU(shared_axes=${literal(shared)})`, [{ shape, data }]);
  }),
  // Outside training it is this.
  rule(rreluLayer, ({ args }, model: KerasModel) =>
    model.add(`layers.LeakyReLU(negative_slope=${(args.lower + args.upper) / 2})`),
  ),
  rule(Softmax.definition, (layer, model: KerasModel) => along(layer, model, "softmax")),
  rule(LogSoftmax.definition, (layer, model: KerasModel) => along(layer, model, "log_softmax")),
  rule(Softmin.definition, (layer, model: KerasModel) => along(layer, model, "softmax", "-x")),
  rule(Softmax2d.definition, (layer, model: KerasModel) => along({ ...layer, args: { dim: 1 } }, model, "softmax")),
  ...dropoutLayers.map((definition) =>
    rule(definition, ({ type, args, input }, model: KerasModel) => {
      const layer = type.includes("Alpha") ? "AlphaDropout" : "Dropout";
      const wholeChannels = /Dropout\dd|Feature/.test(type) && input.length > 1;
      if (!wholeChannels) return model.add(`layers.${layer}(${args.p})`);
      model.channelsFirst();
      const noise = [input[0], ...input.slice(1).map(() => 1)].join(", ");
      model.add(`layers.${layer}(${args.p}, noise_shape=(None, ${noise}))`);
    }),
  ),
];
