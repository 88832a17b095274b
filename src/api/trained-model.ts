/** What a job has trained so far, found in the object store: checkpoint, preprocessing, classes. */
import { z } from "zod";
import type { FittedPreprocess } from "../data/index.ts";
import { checkpointAbout } from "../engine/index.ts";
import { RowFacts } from "../interchange/model-file.ts";
import { DamagedCheckpointError, readCheckpoint, readHeader, useNewest } from "../jobs/checkpoints.ts";
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

/** What the worker tells with each checkpoint. */
const Preparation = z.object({
  preprocess: z.custom<FittedPreprocess>((value) => typeof value === "object" && value !== null),
  classes: z.array(z.string()).nullish(),
  rows: RowFacts.optional(),
});

/**
 * Finds the job's newest checkpoint and uses it; one whose file is damaged is passed over. A 409 while there is nothing to ask
 * yet. `model` reads what else is known of it.
 */
export async function useCheckpoint<T>(
  parts: ApiParts,
  jobId: string,
  use: (checkpoint: StoredCheckpoint, model: () => Promise<TrainedModel>) => Promise<T>,
): Promise<T> {
  try {
    return await useNewest(
      () => parts.log.checkpoints(jobId),
      (checkpoint) => use(checkpoint, async () => readModel(parts.store, await findState(parts, jobId), checkpoint)),
    );
  } catch (error) {
    if (error instanceof ObjectNotFoundError) {
      const state = await findState(parts, jobId);
      if (state.checkpoints.length === 0) throw nothingTrained(state);
    }
    if (!(error instanceof DamagedCheckpointError)) throw error;
    throw new ProblemError("internal-error", `${error.message} There is no older one to use instead.`, {
      cause: error,
    });
  }
}

/** As above, for who needs all of it. */
export async function useTrainedModel<T>(
  parts: ApiParts,
  jobId: string,
  use: (model: TrainedModel, state: JobState) => Promise<T>,
): Promise<T> {
  return useCheckpoint(parts, jobId, async (checkpoint) => {
    const state = await findState(parts, jobId);
    return use(await readModel(parts.store, state, checkpoint), state);
  });
}

async function readModel(store: ObjectStore, state: JobState, checkpoint: StoredCheckpoint): Promise<TrainedModel> {
  const { model, loss } = Spec.parse(state.spec);
  const { preprocess, classes, rows } = await readPreparation(store, state.id, checkpoint);
  return {
    checkpoint,
    layers: model.layers,
    loss: loss.type,
    preprocess,
    classes: classes ?? null,
    rows: rows ?? null,
    read: () => readCheckpoint(store, checkpoint),
  };
}

async function readPreparation(store: ObjectStore, jobId: string, checkpoint: StoredCheckpoint) {
  const told = await readHeader(store, checkpoint, (header) => {
    const about = checkpointAbout(header);
    return about === undefined ? null : parsePreparation(about);
  });
  // Checkpoints did not always say it themselves: then it lies beside them.
  return told ?? parsePreparation(Buffer.from(await store.read(`jobs/${jobId}/preprocess.json`)).toString("utf8"));
}

const parsePreparation = (json: string) => Preparation.parse(JSON.parse(json));

function nothingTrained({ id, status }: JobState): ProblemError {
  const why =
    status === "queued" || status === "running" || status === "paused"
      ? `is ${status} and has stored no weights yet; its first "checkpoint" event says when it has`
      : `is ${status} and never stored any weights`;
  return new ProblemError("wrong-state", `There is no model to ask: job ${id} ${why}.`);
}
