/** torch.nn's losses, as far as the engine has them, and their definitions by type. */
import type { LossDefinition } from "../nn/definition.ts";
import { bceLoss, bceWithLogitsLoss } from "./binary-cross-entropy.ts";
import { crossEntropyLoss, nllLoss } from "./cross-entropy.ts";
import { l1Loss, mseLoss } from "./regression.ts";

export { BCELoss, BCEWithLogitsLoss } from "./binary-cross-entropy.ts";
export { CrossEntropyLoss, NLLLoss } from "./cross-entropy.ts";
export { L1Loss, MSELoss } from "./regression.ts";

const definitions: readonly LossDefinition[] = [mseLoss, l1Loss, bceLoss, bceWithLogitsLoss, crossEntropyLoss, nllLoss];

/** Every loss that a spec may name. */
export const losses: ReadonlyMap<string, LossDefinition> = new Map(definitions.map((loss) => [loss.type, loss]));
