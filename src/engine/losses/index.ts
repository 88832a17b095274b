/** torch.nn's losses, as far as the engine has them, and their definitions by type. */
import type { LossDefinition } from "../nn/definition.ts";
import { bceLoss, bceWithLogitsLoss } from "./binary-cross-entropy.ts";
import { crossEntropyLoss, nllLoss } from "./cross-entropy.ts";
import { gaussianNLLLoss, klDivLoss, poissonNLLLoss } from "./likelihood.ts";
import {
  hingeEmbeddingLoss,
  multiLabelMarginLoss,
  multiLabelSoftMarginLoss,
  multiMarginLoss,
  softMarginLoss,
} from "./margin.ts";
import { ctcLoss } from "./padded-connectionist.ts";
import { l1Loss, mseLoss } from "./regression.ts";
import { huberLoss, smoothL1Loss } from "./robust.ts";

export { BCELoss, BCEWithLogitsLoss } from "./binary-cross-entropy.ts";
export { CTCLoss } from "./connectionist.ts";
export { CrossEntropyLoss, NLLLoss } from "./cross-entropy.ts";
export { GaussianNLLLoss, KLDivLoss, PoissonNLLLoss } from "./likelihood.ts";
export {
  HingeEmbeddingLoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  SoftMarginLoss,
} from "./margin.ts";
export { CosineEmbeddingLoss, MarginRankingLoss, TripletMarginLoss } from "./pairs.ts";
export { L1Loss, MSELoss } from "./regression.ts";
export { HuberLoss, SmoothL1Loss } from "./robust.ts";

const definitions: readonly LossDefinition[] = [
  mseLoss,
  l1Loss,
  smoothL1Loss,
  huberLoss,
  bceLoss,
  bceWithLogitsLoss,
  crossEntropyLoss,
  nllLoss,
  klDivLoss,
  poissonNLLLoss,
  gaussianNLLLoss,
  softMarginLoss,
  hingeEmbeddingLoss,
  multiMarginLoss,
  multiLabelMarginLoss,
  multiLabelSoftMarginLoss,
  ctcLoss,
];

/** Every loss that a spec may name. */
export const losses: ReadonlyMap<string, LossDefinition> = new Map(definitions.map((loss) => [loss.type, loss]));
