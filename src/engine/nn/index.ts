/** torch.nn's modules, as far as the engine has them, and their definitions by type. */
import { elementwiseLayers } from "./activations.ts";
import { adaptiveAveragePoolLayers, globalAvgPoolLayer } from "./adaptive-average-pool.ts";
import { attentionLayer, encoderLayer } from "./attention-layers.ts";
import { avgPool1dLayer, dividedPoolLayers, normPoolLayers } from "./average-pool.ts";
import { batchNormLayers } from "./batch-norm.ts";
import { convolutionLayers } from "./convolution.ts";
import { transposedConvolutionLayers } from "./convolution-transpose.ts";
import { dropoutLayers } from "./dropout.ts";
import { embeddingBagLayer, embeddingLayer } from "./embedding.ts";
import { encoderStackLayer } from "./encoder-stack-layer.ts";
import { flattenLayer, identityLayer, unflattenLayer } from "./flatten.ts";
import { gluLayer } from "./glu.ts";
import { groupNormLayer } from "./group-norm.ts";
import { instanceNormLayers } from "./instance-norm.ts";
import { layerNormLayer, rmsNormLayer } from "./layer-norm.ts";
import { preluLayer, rreluLayer } from "./learned-slopes.ts";
import { linearLayer } from "./linear.ts";
import { localResponseNormLayer } from "./local-response-norm.ts";
import { adaptiveMaxPoolLayers, maxPoolLayers } from "./max-pool.ts";
import { residualLayer, sequentialLayer } from "./nested.ts";
import { constantPadLayers, edgePadLayers, zeroPadLayers } from "./padding.ts";
import { positionalEncodingLayer } from "./positional-encoding.ts";
import { gruLayer, lstmLayer, rnnLayer } from "./recurrent-layers.ts";
import { registerLayers } from "./registry.ts";
import { channelShuffleLayer, pixelShuffleLayer, pixelUnshuffleLayer } from "./shuffle.ts";
import { softmaxLayers } from "./softmax.ts";
import { foldLayer, unfoldLayer } from "./unfold.ts";
import { fixedUpsampleLayers, upsampleLayer } from "./upsample.ts";

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
export { AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, GlobalAvgPool } from "./adaptive-average-pool.ts";
export { type AttentionOptions, type Masks, MultiheadAttention } from "./attention.ts";
export { AvgPool1d, AvgPool2d, AvgPool3d, LPPool1d, LPPool2d, LPPool3d } from "./average-pool.ts";
export { BatchNorm1d, BatchNorm2d, BatchNorm3d } from "./batch-norm.ts";
export { ModuleDict, ModuleList, ParameterDict, ParameterList } from "./containers.ts";
export { Conv1d, Conv2d, Conv3d } from "./convolution.ts";
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from "./convolution-transpose.ts";
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout } from "./dropout.ts";
export { Embedding, EmbeddingBag } from "./embedding.ts";
export { Flatten, Identity, Unflatten } from "./flatten.ts";
export { GLU } from "./glu.ts";
export { GroupNorm } from "./group-norm.ts";
export { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from "./instance-norm.ts";
export { LayerNorm, RMSNorm } from "./layer-norm.ts";
export { PReLU, RReLU } from "./learned-slopes.ts";
export { Linear } from "./linear.ts";
export { LocalResponseNorm } from "./local-response-norm.ts";
export {
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
} from "./max-pool.ts";
export { MaxUnpool1d, MaxUnpool2d, MaxUnpool3d } from "./max-unpool.ts";
export { Module, type Weights } from "./module.ts";
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
} from "./padding.ts";
export { Bilinear, CosineSimilarity, PairwiseDistance } from "./pairs.ts";
export { Buffer, Parameter, type ParameterSpec, withoutDrawing } from "./parameter.ts";
export { PositionalEncoding, type PositionalKind } from "./positional-encoding.ts";
export {
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  type RecurrentOptions,
  type RecurrentOutput,
  RNN,
  RNNCell,
} from "./recurrent.ts";
export { type LayerSpec, layerSchema, layers } from "./registry.ts";
export { Residual } from "./residual.ts";
export { Sequential } from "./sequential.ts";
export { ChannelShuffle, PixelShuffle, PixelUnshuffle } from "./shuffle.ts";
export { LogSoftmax, Softmax, Softmax2d, Softmin } from "./softmax.ts";
export { TransformerEncoderLayer, type TransformerOptions } from "./transformer.ts";
export { type DecoderMasks, TransformerDecoderLayer } from "./transformer-decoder.ts";
export {
  Transformer,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerSizes,
} from "./transformer-stack.ts";
export { Fold, Unfold } from "./unfold.ts";
export { Upsample } from "./upsample.ts";

registerLayers([
  linearLayer,
  ...elementwiseLayers,
  ...softmaxLayers,
  gluLayer,
  preluLayer,
  rreluLayer,
  ...dropoutLayers,
  ...convolutionLayers,
  ...transposedConvolutionLayers,
  ...maxPoolLayers,
  ...adaptiveMaxPoolLayers,
  avgPool1dLayer,
  ...dividedPoolLayers,
  ...normPoolLayers,
  ...adaptiveAveragePoolLayers,
  globalAvgPoolLayer,
  ...zeroPadLayers,
  ...constantPadLayers,
  ...edgePadLayers,
  upsampleLayer,
  ...fixedUpsampleLayers.map(({ definition }) => definition),
  pixelShuffleLayer,
  pixelUnshuffleLayer,
  channelShuffleLayer,
  unfoldLayer,
  foldLayer,
  localResponseNormLayer,
  flattenLayer,
  unflattenLayer,
  identityLayer,
  ...batchNormLayers,
  layerNormLayer,
  rmsNormLayer,
  groupNormLayer,
  ...instanceNormLayers,
  residualLayer,
  sequentialLayer,
  embeddingLayer,
  embeddingBagLayer,
  rnnLayer,
  lstmLayer,
  gruLayer,
  attentionLayer,
  encoderLayer,
  encoderStackLayer,
  positionalEncodingLayer,
]);
