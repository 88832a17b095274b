/** torch.nn's modules, as far as the engine has them, and their definitions by type. */
import { elementwiseLayers } from "./activations.ts";
import { batchNormLayers } from "./batch-norm.ts";
import { dropoutLayers } from "./dropout.ts";
import { embeddingBagLayer, embeddingLayer } from "./embedding.ts";
import { flattenLayer, identityLayer } from "./flatten.ts";
import { gluLayer } from "./glu.ts";
import { groupNormLayer } from "./group-norm.ts";
import { instanceNormLayers } from "./instance-norm.ts";
import { layerNormLayer, rmsNormLayer } from "./layer-norm.ts";
import { preluLayer, rreluLayer } from "./learned-slopes.ts";
import { linearLayer } from "./linear.ts";
import { nestedLayers } from "./nested.ts";
import { registerLayers } from "./registry.ts";
import { softmaxLayers } from "./softmax.ts";

export {
  CELU,
  ELU,
  GELU,
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  Mish,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  Softplus,
  Softshrink,
  Softsign,
  Tanh,
  Tanhshrink,
  Threshold,
} from "./activations.ts";
export { BatchNorm1d, BatchNorm2d, BatchNorm3d } from "./batch-norm.ts";
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout } from "./dropout.ts";
export { Embedding, EmbeddingBag } from "./embedding.ts";
export { Flatten, Identity } from "./flatten.ts";
export { GLU } from "./glu.ts";
export { GroupNorm } from "./group-norm.ts";
export { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from "./instance-norm.ts";
export { LayerNorm, RMSNorm } from "./layer-norm.ts";
export { PReLU, RReLU } from "./learned-slopes.ts";
export { Linear } from "./linear.ts";
export { Module, type Weights } from "./module.ts";
export { Buffer, Parameter, type ParameterSpec, withoutDrawing } from "./parameter.ts";
export { type LayerSpec, layerSchema, layers } from "./registry.ts";
export { Residual } from "./residual.ts";
export { Sequential } from "./sequential.ts";
export { LogSoftmax, Softmax, Softmax2d, Softmin } from "./softmax.ts";

registerLayers([
  linearLayer,
  ...elementwiseLayers,
  ...softmaxLayers,
  gluLayer,
  preluLayer,
  rreluLayer,
  ...dropoutLayers,
  flattenLayer,
  identityLayer,
  ...batchNormLayers,
  layerNormLayer,
  rmsNormLayer,
  groupNormLayer,
  ...instanceNormLayers,
  ...nestedLayers,
  embeddingLayer,
  embeddingBagLayer,
]);
