/** torch.optim's optimizers, as far as the engine has them, in order of increasing complexity; and Lion. */
import { adafactor } from "./adafactor.ts";
import { adam, adamW } from "./adam.ts";
import { Adadelta, Adagrad, Adamax, ASGD, Lion, NAdam, RAdam, RMSprop, Rprop } from "./adaptive.ts";
import { muon } from "./muon.ts";
import type { OptimizerDefinition } from "./optimizer.ts";
import { sgd } from "./sgd.ts";

export { Adafactor } from "./adafactor.ts";
export { Adam, AdamW } from "./adam.ts";
export { Adadelta, Adagrad, Adamax, ASGD, Lion, NAdam, RAdam, RMSprop, Rprop } from "./adaptive.ts";
export { Muon } from "./muon.ts";
export { Optimizer, type OptimizerDefinition } from "./optimizer.ts";
export { SGD } from "./sgd.ts";

const definitions: readonly OptimizerDefinition[] = [
  sgd,
  adam,
  adamW,
  ...[RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, Rprop, ASGD, Lion].map((made) => made.definition),
  adafactor,
  muon,
];

/** Every optimizer that a spec may name. */
export const optimizers: ReadonlyMap<string, OptimizerDefinition> = new Map(definitions.map((it) => [it.type, it]));
