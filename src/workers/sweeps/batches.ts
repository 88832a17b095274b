/** Which trials of a sweep one worker trains together: small ones, the same but for numbers that leave shapes, data and course alone. */
import { queueOf } from "../../jobs/job-queue.ts";
import type { CheckedSpec } from "../../jobs/job-to-create.ts";
import type { JobSpec } from "../../spec/job-spec.ts";

/** More gain nothing, and have to wait for each other. */
export const MOST_TOGETHER = 16;
/** Beyond, what a job costs besides its training is little. */
const MOST_SECONDS = 2;
/** Of a whole batch. */
const MOST_BYTES = 256 * 2 ** 20;

/** So many that every slot of the workers has some to train, and as many wait ahead of it. */
export const batchSize = (parallel: number, slots: number): number =>
  Math.min(MOST_TOGETHER, Math.ceil(parallel / (2 * slots)));

/** Whether it is worth while to train it together with others. The turns of those would count as its own time, where that is limited. */
export const isSmall = ({ spec, estimate }: CheckedSpec): boolean =>
  queueOf(spec) === "any" &&
  spec.max_runtime_s === null &&
  estimate.seconds < MOST_SECONDS &&
  2 * estimate.bytes <= MOST_BYTES;

/** In batches of at most `most`; what is not small is alone. Each batch keeps their order, and has its place by its first. */
export function divide<T extends CheckedSpec>(trials: readonly T[], most: number): T[][] {
  const batches: T[][] = [];
  const open = new Map<string, T[]>();
  for (const trial of trials) {
    const shapes = isSmall(trial) ? shapesOf(trial.spec) : null;
    const batch = shapes === null ? undefined : open.get(shapes);
    if (batch && batch.length < most && (batch.length + 1) * trial.estimate.bytes <= MOST_BYTES) {
      batch.push(trial);
      continue;
    }
    const begun = [trial];
    batches.push(begun);
    if (shapes !== null) open.set(shapes, begun);
  }
  return batches;
}

/** Equal for specs that train together. */
export function shapesOf(spec: JobSpec): string {
  const { name: _name, metadata: _metadata, seed: _seed, optimizer, scheduler, model, ...same } = spec;
  const layers = withoutRates(model.layers, (key) => key === "p" || key === "dropout");
  const rates = [optimizer, scheduler].map((part) => withoutRates(part, (key) => key !== "ns_steps"));
  return JSON.stringify([same, layers, model.init, rates]);
}

/** Its numbers under such keys, any of them like any other; only zeros stay, which may leave out a part of each step. */
function withoutRates(part: unknown, isRate: (key: string) => boolean): string {
  return JSON.stringify(part, (key, value: unknown) =>
    typeof value === "number" && value !== 0 && isRate(key) ? "rate" : value,
  );
}
