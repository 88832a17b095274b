/** torch.nn's modules, as far as the engine has them, and their definitions by type. */
import { activationLayers } from "./activations.ts";
import type { LayerDefinition } from "./definition.ts";
import { dropoutLayer } from "./dropout.ts";
import { flattenLayer, identityLayer } from "./flatten.ts";
import { linearLayer } from "./linear.ts";

export * from "./activations.ts";
export { Dropout } from "./dropout.ts";
export { Flatten, Identity } from "./flatten.ts";
export { Linear } from "./linear.ts";
export { Module, type Weights } from "./module.ts";
export { Parameter, type ParameterSpec, withoutDrawing } from "./parameter.ts";
export { Sequential } from "./sequential.ts";

const definitions: readonly LayerDefinition[] = [
  linearLayer,
  ...activationLayers,
  dropoutLayer,
  flattenLayer,
  identityLayer,
];

/** Every layer that a spec may name. */
export const layers: ReadonlyMap<string, LayerDefinition> = new Map(definitions.map((layer) => [layer.type, layer]));
