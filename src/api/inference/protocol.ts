/** What the API's main thread and its inference thread say to each other. */
import type { FittedPreprocess } from "../../data/index.ts";
import type { LayerSpec } from "../../engine/definitions.ts";

/** Everything needed to run a trained model: sent once, kept by the thread while there is room. */
export interface ModelParts {
  readonly layers: readonly LayerSpec[];
  readonly preprocess: FittedPreprocess;
  readonly checkpoint: Uint8Array;
  readonly which: Which;
}

/** A checkpoint holds two sets of weights: as they were when it was made, and the best until then. */
export type Which = "last" | "best";

export type Task =
  /** `model` is left out until the thread says that it does not have it. */
  | { readonly kind: "predict"; readonly key: string; readonly rows: readonly unknown[]; readonly model?: ModelParts }
  | {
      readonly kind: "export";
      readonly format: "safetensors" | "json";
      readonly checkpoint: Uint8Array;
      readonly which: Which;
      readonly about: ModelFacts;
    };

/** What a model file says about itself besides its weights. */
export interface ModelFacts {
  readonly job_id: string;
  readonly name: string | null;
  readonly checkpoint: { readonly which: Which; readonly epoch: number; readonly step: number };
  readonly spec: object;
  readonly preprocess: FittedPreprocess;
  readonly classes: readonly string[] | null;
}

export interface RawPrediction {
  /** Flattened, row-major. */
  readonly outputs: Float32Array;
  readonly count: number;
  /** Of one sample. */
  readonly outputShape: readonly number[];
}

export type Result =
  | { readonly kind: "prediction"; readonly prediction: RawPrediction }
  | { readonly kind: "file"; readonly bytes: Uint8Array }
  | { readonly kind: "model needed" }
  /** The rows don't fit the model: the sender's mistake. */
  | { readonly kind: "mistake"; readonly path: string; readonly message: string }
  | { readonly kind: "broken"; readonly message: string };

export interface TaskMessage {
  readonly id: number;
  readonly task: Task;
}

export interface ResultMessage {
  readonly id: number;
  readonly result: Result;
}
