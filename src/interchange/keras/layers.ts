/** Every layer as Keras has it, by type; those that it can't express say why. */
import type { Shape } from "../../engine/definitions.ts";
import { residualLayer, sequentialLayer } from "../../engine/nn/nested.ts";
import { type LayerRule, placeLayers, rule } from "../layer-rules.ts";
import type { KerasModel } from "./keras-model.ts";
import { activationRules } from "./rules/activations.ts";
import { otherRules } from "./rules/others.ts";
import { spatialRules } from "./rules/spatial.ts";

export const kerasRules: ReadonlyMap<string, LayerRule<KerasModel, void>> = new Map([
  ...activationRules,
  ...spatialRules,
  ...otherRules,
  rule(sequentialLayer, ({ name, args, input }, model: KerasModel) =>
    writeLayers(model, args.layers, input, `${name}.`),
  ),
  rule(residualLayer, ({ name, args, input }, model: KerasModel) => {
    model.channelsFirst();
    const inside = model.inside();
    writeLayers(inside, args.layers, input, `${name}.`);
    inside.channelsFirst();
    model.form("Residual", `[${inside.calls.join(", ")}]`);
  }),
]);

/** Throws NotExpressibleError. */
export function writeLayers(
  model: KerasModel,
  specs: readonly Readonly<Record<string, unknown>>[],
  input: Shape,
  prefix = "",
): void {
  for (const layer of placeLayers(specs, input, prefix)) {
    const write = kerasRules.get(layer.type);
    if (!write) throw new Error(`There is no rule for ${layer.type} in Keras.`);
    write(layer, model);
  }
}
