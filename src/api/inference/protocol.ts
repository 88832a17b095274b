/** What the API's main thread and its inference thread say to each other. */
import type { FittedPreprocess } from "../../data/index.ts";
import type { LayerSpec } from "../../engine/definitions.ts";
import type { FileSource, ModelFormatName } from "../../interchange/model-file.ts";
import type { ModelToStore } from "../../jobs/model-store.ts";
import type { Mistake, ProblemName } from "../problems.ts";

/** What a trained model is and what its answers mean. */
export interface ModelDescription {
  readonly layers: readonly LayerSpec[];
  /** The type of the loss, which says what the outputs mean. */
  readonly loss: string;
  readonly preprocess: FittedPreprocess;
  readonly classes: readonly string[] | null;
}

/** Everything needed to run a trained model: sent once, kept by the thread while there is room. */
export interface ModelParts extends ModelDescription {
  readonly checkpoint: Uint8Array;
  /** Of the checkpoint. */
  readonly at: { readonly epoch: number; readonly step: number };
  readonly which: Which;
}

/** A checkpoint holds two sets of weights: as they were when it was made, and the best until then. */
export type Which = "last" | "best";

/** Rows as they were sent, still as bytes: reading them is work for the thread. */
export type Question =
  | { readonly format: "json"; readonly bytes: Uint8Array }
  /** Whole lines of a longer body: `line` is the number of the first of them. */
  | { readonly format: "ndjson"; readonly bytes: Uint8Array; readonly line: number };

export interface PredictTask {
  readonly kind: "predict";
  readonly key: string;
  readonly question: Question;
  /** Left out until the thread says that it does not have it. */
  readonly model?: ModelParts;
}

export interface ExportTask {
  readonly kind: "export";
  readonly format: ModelFormatName;
  readonly source: FileSource;
}

/** A file with weights, to be read and stored. */
export interface ImportTask {
  readonly kind: "import";
  readonly bytes: Uint8Array;
}

export type Task = PredictTask | ExportTask | ImportTask;

export type Result =
  /** The answer's body in the format of the question, and for how many rows. */
  | { readonly kind: "answer"; readonly bytes: Uint8Array; readonly rows: number }
  | { readonly kind: "file"; readonly bytes: Uint8Array }
  /** `weights`: a safetensors file. */
  | ({ readonly kind: "imported" } & Omit<ModelToStore, "original">)
  | { readonly kind: "model needed" }
  /** The sender's mistake. */
  | { readonly kind: "refused"; readonly problem: ProblemName; readonly detail: string; readonly errors: Mistake[] }
  | { readonly kind: "broken"; readonly message: string };

export interface TaskMessage {
  readonly id: number;
  readonly task: Task;
}

export interface ResultMessage {
  readonly id: number;
  readonly result: Result;
}
