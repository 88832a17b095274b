/** What a trainer is given and what it tells: plain data, so that it can cross a thread. */
import type { LayerSpec } from "../nn/build.ts";
import type { Weights } from "../nn/module.ts";
import type { Shape } from "../shape.ts";
import type { DType } from "../tensor.ts";
import type { Change, PlannedChange } from "./change-queue.ts";
import type { StepFindings } from "./inspect-step.ts";
import type { Answers } from "./prober.ts";

/** Samples as one flat array each for inputs and targets; shapes are of one sample, `[]` for a class index. */
export interface Examples<Values = Float32Array | Int32Array> {
  readonly count: number;
  readonly inputs: Values;
  readonly inputShape: Shape;
  readonly targets: Values;
  readonly targetShape: Shape;
  /** How much each sample counts in the loss, as if it stood there so many times; left out: all the same. */
  readonly weights?: Extract<Values, Float32Array | DType>;
}

/** Samples of which only number, shapes and types are known: enough to plan a training's memory. */
export type ExpectedExamples = Examples<DType>;

/** A type and its arguments, as a spec writes a loss or an optimizer. */
export interface Typed {
  readonly type: string;
  readonly [argument: string]: unknown;
}

export interface EarlyStoppingPlan {
  /** `loss`, `val_loss`, or a metric's name, `val_…` for the validation data. */
  readonly monitor: string;
  readonly patience: number;
  readonly minDelta: number;
  readonly mode: "min" | "max";
  readonly restoreBest: boolean;
}

export interface SchedulerPlan {
  readonly scheduler: Typed;
  /** Whether the scheduler's time is counted in epochs or in steps. */
  readonly interval: "epoch" | "step";
  /** Steps of a linear rise before the scheduler begins. */
  readonly warmupSteps?: number;
}

/** Inputs at which the model is looked at while it trains. */
export interface ProbePlan {
  /** Before the first epoch, after every so many, and after the last. */
  readonly everyEpochs: number;
  /** Samples one after another, as the first layer gets them. */
  readonly inputs: Float32Array;
}

export interface TrainingPlan<Data = Examples> {
  /** Resolved: `in_features` and the like are filled in. */
  readonly layers: readonly LayerSpec[];
  readonly loss: Typed;
  readonly optimizer: Typed;
  readonly scheduler?: SchedulerPlan | null;
  readonly train: Data;
  readonly validation?: Data;
  /** Overwrites what the seed drew, for the names that it holds. */
  readonly initialWeights?: Readonly<Record<string, Weights>>;
  readonly epochs: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly seed: number;
  readonly metrics: readonly string[];
  readonly clipGradNorm?: number | null;
  readonly clipGradValue?: number | null;
  /** Batches whose gradients are averaged into one update. */
  readonly accumulateSteps: number;
  readonly earlyStopping?: EarlyStoppingPlan | null;
  readonly mode: "eager" | "compiled";
  /** What follows a loss that is not finite: the end, or going back to the end of the last epoch at half the rate. */
  readonly onNonfinite?: "stop" | "rollback";
  /** Tells the loss of each update whose number this divides; none if it is left out. */
  readonly tellSteps?: number | null;
  readonly probes?: ProbePlan | null;
  /** In the order in which they take effect. */
  readonly changes?: readonly PlannedChange[];
  /** So many of them took effect in an earlier attempt of this run. */
  readonly repeatedChanges?: number;
  /** Goes with each checkpoint as it is: what whoever asks the model must know besides its weights. */
  readonly about?: string;
  /** A checkpoint event every so many epochs, or every so many seconds at the end of a step; neither: none. */
  readonly checkpoint: { readonly everyEpochs?: number | null; readonly everySeconds?: number | null };
}

/** The best epoch so far by the monitored value. */
export interface Best {
  readonly epoch: number;
  readonly metric: string;
  readonly value: number;
}

export interface EpochEvent {
  readonly type: "epoch";
  readonly epoch: number;
  readonly epochs: number;
  /** Updates of the weights so far, and in all. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly val_loss?: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly val_metrics?: Readonly<Record<string, number>>;
  /** Metrics that are tables: the confusion matrix. */
  readonly tables?: Readonly<Record<string, number[][]>>;
  readonly val_tables?: Readonly<Record<string, number[][]>>;
  readonly lr: number;
  readonly samples_per_s: number;
  readonly elapsed_ms: number;
  readonly eta_s: number;
  readonly best: Best;
}

export interface CheckpointEvent {
  readonly type: "checkpoint";
  readonly epoch: number;
  readonly step: number;
  /** The file of {@link Trainer.checkpoint}: weights now and the best so far. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** True if the best weights changed since the checkpoint before. */
  readonly best: boolean;
  /** The wish that it comes from. */
  readonly wish?: number;
}

/** What the model gives for the inputs of the plan's probes; after the event of the same epoch. */
export interface ProbeEvent extends Answers {
  readonly type: "probe";
  /** Whole epochs behind it: 0 before the first. */
  readonly epoch: number;
}

/** Losses of updates, as many as were done between two looks. */
export interface StepsEvent {
  readonly type: "steps";
  /** The epoch that they are part of, counted from 1. */
  readonly epoch: number;
  /** The update of the first loss; the others follow `every` updates apart. */
  readonly step: number;
  readonly every: number;
  readonly losses: readonly number[];
}

/** A loss, or a weight after an epoch, was not finite. */
export interface AnomalyEvent extends StepFindings {
  readonly type: "anomaly";
  readonly epoch: number;
  /** The update at fault, counted from 1. */
  readonly step: number;
  readonly loss: number;
  readonly message: string;
  readonly action: "stop" | "rollback";
  /** Where the run goes on, or what its weights are if it does not. */
  readonly back: { readonly epoch: number; readonly step: number };
  /** The base rate from now on. */
  readonly lr: number;
}

/** A change has taken effect. */
export interface ChangeEvent {
  readonly type: "change";
  /** 1 for the first of the run. */
  readonly number: number;
  /** The wish that it comes from; null for one of the plan. */
  readonly wish: number | null;
  /** The epoch that it is the first to rule, counted from 1. */
  readonly epoch: number;
  readonly change: PlannedChange;
  /** Of the whole run, from now on. */
  readonly epochs: number;
  readonly steps: number;
}

export type TrainerEvent = EpochEvent | ProbeEvent | CheckpointEvent | StepsEvent | AnomalyEvent | ChangeEvent;

/** What someone asks of a run under way. */
export interface Wish {
  readonly number: number;
  readonly change: Change;
  /** A checkpoint event as soon as possible. */
  readonly checkpoint: boolean;
}

export type TrainerOutcome =
  | { readonly status: "completed" | "stopped"; readonly epoch: number }
  | {
      readonly status: "diverged";
      readonly epoch: number;
      /** The update, counted from 1 within the whole run, whose loss (or resulting weights) was not finite. */
      readonly step: number;
      readonly loss: "nan" | "inf" | "-inf";
      readonly message: string;
    };

export interface TrainerHooks {
  onEvent(event: TrainerEvent): void;
  /** Asked between steps, at least every 20 ms unless a single step takes longer. */
  shouldStop(): boolean;
  /** Asked as often; gives each wish once. */
  wishes?(): readonly Wish[];
}
