/** What a model file is made from, in any format. */
import type { FittedPreprocess } from "../data/index.ts";
import type { LayerSpec } from "../engine/definitions.ts";
import type { Weights } from "../engine/nn/module.ts";

export interface TrainedFile {
  readonly about: ModelFacts;
  /** With every argument filled in. */
  readonly layers: readonly LayerSpec[];
  /** By `state_dict` name. */
  readonly weights: ReadonlyMap<string, Weights>;
}

/** What a model file says about itself besides its weights. */
export interface ModelFacts {
  readonly job_id: string;
  readonly name: string | null;
  readonly checkpoint: { readonly which: "last" | "best"; readonly epoch: number; readonly step: number };
  /** Without the data and the weights that may stand in it. */
  readonly spec: object;
  /** The type of the loss, which says what outputs mean. */
  readonly loss: string;
  readonly preprocess: FittedPreprocess;
  readonly classes: readonly string[] | null;
}

/** A model that a format has no words for: which layer, and why. */
export class NotExpressibleError extends Error {
  override readonly name = "NotExpressibleError";
  /** `model.layers[2]` */
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}
