/** Weights of a trained job or an imported model for a new job to start from: looked at when it is submitted, and copied then, so that they stay. */
import type { Readable } from "node:stream";
import type { Shape } from "../engine/definitions.ts";
import { checkpointShapes } from "../engine/index.ts";
import { HEADER_PREFIX, headerEnd } from "../engine/safetensors.ts";
import type { ModelInit } from "../spec/job-spec.ts";
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
      return await newest(state, this.log, async (key) =>
        checkpointShapes(await readHeader(await this.store.stream(key)), which),
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
    const state = await this.log.state(init.job_id);
    if (!state) throw new ObjectNotFoundError(`jobs/${init.job_id}`);
    await newest(state, this.log, async (key) => this.store.put(initialWeightsKey(to), await this.store.stream(key)));
  }
}

/** The mistake in a spec whose source is gone by the time it is copied. */
export const goneSource = (init: ModelInit | null): { path: string; message: string } =>
  init && "model_id" in init
    ? { path: "model.init.model_id", message: "the model was deleted a moment ago" }
    : { path: "model.init.job_id", message: "the job was deleted a moment ago" };

const ATTEMPTS = 5;

/** While a job trains a newer checkpoint may replace the one that was just found: then that one is used. */
async function newest<T>(state: JobState, log: JobLog, use: (key: string) => Promise<T>): Promise<T> {
  let checkpoint = state.lastCheckpoint;
  for (let attempt = 1; ; attempt++) {
    if (!checkpoint) throw new ObjectNotFoundError(`jobs/${state.id}/checkpoints`);
    try {
      return await use(checkpoint.key);
    } catch (error) {
      if (!(error instanceof ObjectNotFoundError) || attempt === ATTEMPTS) throw error;
      checkpoint = (await log.state(state.id))?.lastCheckpoint ?? null;
    }
  }
}

/** As much of a safetensors file as names its tensors. */
async function readHeader(stream: Readable): Promise<Uint8Array> {
  let read = Buffer.alloc(0);
  for await (const chunk of stream) {
    read = Buffer.concat([read, chunk]);
    // Leaving the loop closes the stream.
    if (read.length >= HEADER_PREFIX && read.length >= headerEnd(read)) break;
  }
  return read;
}

export const noSuchSource = (id: string): string =>
  `there is no job ${JSON.stringify(id)}; GET /v1/jobs lists those that exist`;

const nothingTrained = ({ id, status }: JobState): string =>
  `job ${id} is ${status} and has stored no weights; wait for its first "checkpoint" event, or name another job`;
