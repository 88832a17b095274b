/** What a job has trained so far, found in the object store: checkpoint, preprocessing, classes. */
import { z } from "zod";
import type { FittedPreprocess } from "../data/index.ts";
import { RowFacts } from "../interchange/model-file.ts";
import type { JobState, StoredCheckpoint } from "../jobs/job.ts";
import { ObjectNotFoundError, type ObjectStore } from "../jobs/object-store.ts";
import type { ModelDescription } from "./inference/protocol.ts";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problems.ts";
import { findState } from "./routes/common.ts";

export interface TrainedModel extends ModelDescription {
  /** Holds the last weights and the best until then. */
  readonly checkpoint: StoredCheckpoint;
  readonly rows: RowFacts | null;
  read(): Promise<Uint8Array>;
}

const Spec = z.looseObject({
  model: z.looseObject({ layers: z.array(z.looseObject({ type: z.string() })) }),
  loss: z.looseObject({ type: z.string() }),
});

/** What the worker keeps beside the checkpoints, before the first epoch. */
const Preparation = z.object({
  preprocess: z.custom<FittedPreprocess>((value) => typeof value === "object" && value !== null),
  classes: z.array(z.string()).nullish(),
  rows: RowFacts.optional(),
});

/**
 * Finds the job's newest model and uses it. While the job trains a newer checkpoint may replace the one that was just
 * found; then the job's state names another, which is used instead. A 409 while there is nothing to ask yet.
 */
export async function useTrainedModel<T>(
  parts: ApiParts,
  jobId: string,
  use: (model: TrainedModel, state: JobState) => Promise<T>,
): Promise<T> {
  return withNewest(async () => {
    const state = await findState(parts, jobId);
    return use(await readModel(parts.store, state), state);
  });
}

/** As above, where the model itself is hardly ever needed: `model` reads it. */
export async function useCheckpoint<T>(
  parts: ApiParts,
  jobId: string,
  use: (checkpoint: StoredCheckpoint, model: () => Promise<TrainedModel>) => Promise<T>,
): Promise<T> {
  return withNewest(async () => {
    const checkpoint = await parts.log.lastCheckpoint(jobId);
    if (!checkpoint) throw nothingTrained(await findState(parts, jobId));
    return use(checkpoint, async () => {
      const state = await findState(parts, jobId);
      return readModel(parts.store, { ...state, lastCheckpoint: checkpoint });
    });
  });
}

async function withNewest<T>(attempt: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ObjectNotFoundError) || number === ATTEMPTS) throw error;
    }
  }
}

const ATTEMPTS = 5;

async function readModel(store: ObjectStore, state: JobState): Promise<TrainedModel> {
  const checkpoint = state.lastCheckpoint;
  if (!checkpoint) throw nothingTrained(state);
  return { checkpoint, ...(await meaningOfOutputs(store, state)), read: () => store.read(checkpoint.key) };
}

/** What a job's model takes and gives, known before it has trained. */
export async function meaningOfOutputs(
  store: ObjectStore,
  state: JobState,
): Promise<Pick<TrainedModel, "layers" | "loss" | "preprocess" | "classes" | "rows">> {
  const spec = Spec.parse(state.spec);
  const stored = await store.read(`jobs/${state.id}/preprocess.json`);
  const { preprocess, classes, rows } = Preparation.parse(JSON.parse(Buffer.from(stored).toString("utf8")));
  return { layers: spec.model.layers, loss: spec.loss.type, preprocess, classes: classes ?? null, rows: rows ?? null };
}

function nothingTrained({ id, status }: JobState): ProblemError {
  const why =
    status === "queued" || status === "running" || status === "paused"
      ? `is ${status} and has stored no weights yet; its first "checkpoint" event says when it has`
      : `is ${status} and never stored any weights`;
  return new ProblemError("wrong-state", `There is no model to ask: job ${id} ${why}.`);
}
