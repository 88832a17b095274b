/** Data ready to train on: read and prepared once for all jobs of a thread's order for which they come to the same. */
import type { DataSource } from "../data/index.ts";
import type { PreparedData } from "../data/prepare-data.ts";
import { loadBulk } from "../jobs/bulk.ts";
import type { ObjectStore } from "../jobs/object-store.ts";
import { requireNumbers } from "../spec/check-numbers.ts";
import { prepareJobData } from "../spec/create-plan.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import type { TrainOrder } from "./trainer-messages.ts";

export interface ReadyData {
  /** With its data, if those were stored apart from it. */
  readonly spec: JobSpec;
  readonly prepared: PreparedData;
  /** JSON of what a prediction needs of them: goes with each checkpoint. */
  readonly about: string;
}

export type PrepareData = (order: Pick<TrainOrder, "jobId" | "spec">, source: DataSource) => Promise<ReadyData>;

/** To be asked for one job after the other. Throws DataError. */
export function prepareOnce(store: ObjectStore): PrepareData {
  const known = new Map<string, ReadyData>();
  return async ({ jobId, spec }, source) => {
    const { data, validation, loss, model, seed } = spec;
    // A split is drawn by the seed.
    const drawn = validation !== null && "split" in validation ? seed : null;
    // What is stored apart is named by its content.
    const key = JSON.stringify([data, validation, loss.type, drawn]);
    const earlier = known.get(key);
    const own = await loadBulk(
      earlier ? { ...spec, data: earlier.spec.data, validation: earlier.spec.validation } : spec,
      jobId,
      store,
    );
    if (earlier) {
      requireNumbers(model.layers, earlier.prepared);
      return { ...earlier, spec: own };
    }
    const made = await prepare(own, source);
    known.set(key, made);
    return made;
  };
}

async function prepare(spec: JobSpec, source: DataSource): Promise<ReadyData> {
  const prepared = await prepareJobData(spec, source);
  const { preprocess, classes, train, validation } = prepared;
  const rows = { train: train.count, validation: validation?.count ?? 0, weighted: train.weights !== undefined };
  return { spec, prepared, about: JSON.stringify({ preprocess, classes: classes ?? null, rows }) };
}
