/** What a model file is made from, in any format. */
import type { FittedPreprocess } from "../data/index.ts";
import type { LayerSpec, Typed } from "../engine/definitions.ts";
import type { Continuation } from "../engine/index.ts";
import type { Weights } from "../engine/nn/module.ts";

export interface TrainedFile {
  readonly about: ModelFacts;
  /** With every argument filled in. */
  readonly layers: readonly LayerSpec[];
  /** By `state_dict` name. */
  readonly weights: ReadonlyMap<string, Weights>;
  /** How it is trained, for formats that can train. */
  readonly training?: { readonly facts: TrainingFacts; readonly state: TrainingState | null };
}

/** How a job is trained, as far as another framework can do it, too. */
export interface TrainingFacts {
  readonly loss: Typed;
  /** Whether targets are class indices. */
  readonly indexTargets: boolean;
  readonly optimizer: Typed;
  /** Whether a schedule moves the momentum along with the rate. */
  readonly movesMomentum: boolean;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly accumulateSteps: number;
  readonly clipGradNorm: number | null;
  readonly clipGradValue: number | null;
  /** Columns of a table with the targets and with the samples' weights; null where data are arrays. */
  readonly target: string | null;
  readonly weight: string | null;
  /** Whether samples have weights. */
  readonly weighted: boolean;
  /** Rows of the data, those for validation included. */
  readonly rows: number;
  /** Types of layers that draw random numbers while training. */
  readonly random: readonly string[];
}

export interface TrainingState {
  readonly continuation: Continuation;
  /** Which rows of the data are trained on; null: all. */
  readonly rows: Int32Array | null;
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
