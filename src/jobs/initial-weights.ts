/** Weights of a trained job or an imported model for a new job to start from: looked at when it is submitted, and copied then, so that they stay. */
import type { Shape } from "../engine/definitions.ts";
import { checkpointShapes } from "../engine/index.ts";
import type { ModelInit } from "../spec/job-spec.ts";
import { DamagedCheckpointError, readHeader, useNewest } from "./checkpoints.ts";
import type { JobState } from "./job.ts";
import type { JobLog } from "./job-log.ts";
import { ModelStore } from "./model-store.ts";
import { ObjectNotFoundError, type ObjectStore } from "./object-store.ts";

export const initialWeightsKey = (jobId: string): string => `jobs/${jobId}/init.safetensors`;

export class InitialWeights {
  private readonly log: JobLog;
  private readonly store: ObjectStore;
  private readonly models: ModelStore;

  constructor(log: JobLog, store: ObjectStore) {
    this.log = log;
    this.store = store;
    this.models = new ModelStore(store);
  }

  /** Names and shapes of what a job has trained so far, or why there is nothing. */
  async shapes(jobId: string, which: "last" | "best"): Promise<ReadonlyMap<string, Shape> | string> {
    const state = await this.log.state(jobId);
    if (!state) return noSuchSource(jobId);
    try {
      return await useNewest(
        () => this.log.checkpoints(jobId),
        (checkpoint) => readHeader(this.store, checkpoint, (header) => checkpointShapes(header, which)),
      );
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return nothingTrained(state);
      throw error;
    }
  }

  /** Names and shapes of an imported model, or why there are none. */
  async modelShapes(modelId: string): Promise<ReadonlyMap<string, Shape> | string> {
    return this.models.shapes(modelId);
  }

  /** Copies what a job is to start from. Throws ObjectNotFoundError when it is gone. */
  async copy(init: ModelInit | null, to: string): Promise<void> {
    if (init === null || "weights" in init) return;
    if ("model_id" in init) return this.models.copy(init.model_id, initialWeightsKey(to));
    await useNewest(
      () => this.log.checkpoints(init.job_id),
      async (checkpoint) => {
        const { bytes } = await this.store.put(initialWeightsKey(to), await this.store.stream(checkpoint.key));
        if (bytes !== checkpoint.bytes) throw new DamagedCheckpointError(checkpoint, `${bytes} are there`);
      },
    );
  }
}

/** The mistake in a spec whose source is gone by the time it is copied. */
export const goneSource = (init: ModelInit | null): { path: string; message: string } =>
  init && "model_id" in init
    ? { path: "model.init.model_id", message: "the model was deleted a moment ago" }
    : { path: "model.init.job_id", message: "the job was deleted a moment ago" };

export const noSuchSource = (id: string): string =>
  `there is no job ${JSON.stringify(id)}; GET /v1/jobs lists those that exist`;

const nothingTrained = ({ id, status }: JobState): string =>
  `job ${id} is ${status} and has stored no weights; wait for its first "checkpoint" event, or name another job`;
