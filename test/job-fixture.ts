/** Submits real specs as the API does, and waits for what comes of them. */
import { expect, vi } from "vitest";
import { newId } from "../src/jobs/ids.ts";
import type { JobToCreate } from "../src/jobs/job-log.ts";
import { jobToCreate } from "../src/jobs/job-to-create.ts";
import type { JobParts } from "../src/jobs/open-jobs.ts";
import { checkSpec } from "../src/spec/check-spec.ts";

/** Two classes in 200 rows; small enough to train thousands of epochs a second. */
export const moons = {
  model: { layers: [{ type: "Linear", out_features: 16 }, { type: "Tanh" }, { type: "Linear", out_features: 2 }] },
  loss: "CrossEntropyLoss",
  optimizer: { type: "Adam", lr: 0.01 },
  data: { builtin: "moons", samples: 200, noise: 0.1, seed: 1 },
  validation: { split: 0.2 },
  metrics: ["accuracy"],
  epochs: 20,
};

/** As moons, but a run that takes `epochs` × some 10 ms, with dropout and a new order in each epoch. */
export const slow = {
  ...moons,
  model: {
    layers: [
      { type: "Linear", out_features: 256 },
      { type: "ReLU" },
      { type: "Dropout", p: 0.2 },
      { type: "Linear", out_features: 256 },
      { type: "ReLU" },
      { type: "Linear", out_features: 2 },
    ],
  },
  data: { builtin: "moons", samples: 5000, noise: 0.2, seed: 1 },
  batch_size: 16,
  checkpoint: { every_epochs: 1 },
};

/** What events and workers say of a device, where a test is not about devices. */
export const onCpu = {
  device: "cpu",
  device_info: { mode: "simd", adapter: null, driver: null, threads: 1, reason: "The test says so." },
};
const noGpu = { available: false, mode: null, adapter: null, driver: null, reason: "None.", concurrency: 1, jobs: [] };
export const cpuAlone = { cpu: { mode: "simd" }, gpu: noGpu };

export async function submit(parts: JobParts, spec: object): Promise<string> {
  const job = await checkedJob(parts, spec);
  await parts.jobs.submit(job);
  return job.id;
}

/** Jobs that one worker is to train together; those without a batch of their own stand between them. */
export async function submitBatch(parts: JobParts, specs: readonly object[], alone?: object): Promise<string[]> {
  const together = await Promise.all(specs.map((spec) => checkedJob(parts, spec)));
  const batch = together.map(({ id }) => id);
  const jobs: JobToCreate[] = together.map((job) => ({ ...job, batch }));
  if (alone) jobs.splice(1, 0, await checkedJob(parts, alone));
  await parts.jobs.submitAll(jobs);
  return jobs.map(({ id }) => id);
}

async function checkedJob({ datasets, initialWeights }: JobParts, spec: object): Promise<JobToCreate> {
  const checked = await checkSpec(spec, {
    dataset: (id) => datasets.get(id),
    weights: (id, which) => initialWeights.shapes(id, which),
    models: (id) => initialWeights.modelShapes(id),
  });
  if (!checked.ok) throw new Error(JSON.stringify(checked.errors));
  const id = newId("job");
  await initialWeights.copy(checked.spec.model.init, id);
  return { ...jobToCreate(id, checked), steps: 0 };
}

const patience = { timeout: 25_000, interval: 10 };

export async function untilStatus({ jobs }: JobParts, id: string, status: string, wait = patience): Promise<void> {
  await vi.waitFor(async () => {
    const job = await jobs.get(id);
    expect(job?.status, JSON.stringify(job?.error)).toBe(status);
  }, wait);
}

export async function untilEpoch({ jobs }: JobParts, id: string, epoch: number, wait = patience): Promise<void> {
  await vi.waitFor(async () => expect((await jobs.get(id))?.progress.epoch).toBeGreaterThanOrEqual(epoch), wait);
}

export async function eventsOf({ log }: JobParts, id: string) {
  return (await log.events(id, 0, 100_000)).map(({ json, type }) => ({ ...JSON.parse(json), type }));
}

export async function epochsOf(parts: JobParts, id: string): Promise<number[]> {
  return (await eventsOf(parts, id)).filter(({ type }) => type === "epoch").map(({ epoch }) => epoch);
}

/** What must not differ between a disturbed run and an undisturbed one. */
export async function figuresOf(parts: JobParts, id: string) {
  const events = (await eventsOf(parts, id)).filter(({ type }) => type === "epoch");
  return events.map(({ epoch, step, loss, val_loss, metrics }) => ({ epoch, step, loss, val_loss, metrics }));
}

/** The newest checkpoint's bytes. */
export async function checkpointOf({ log, store }: JobParts, id: string): Promise<Uint8Array> {
  const state = await log.state(id);
  const [newest] = state?.checkpoints ?? [];
  if (!newest) throw new Error(`Job ${id} has no checkpoint.`);
  return store.read(newest.key);
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
