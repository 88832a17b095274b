/** What is said to a job that asks for a GPU where there is none. */
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerInfo, WorkerRegistry } from "../jobs/worker-registry.ts";

/** A worker that has just started finds out within a moment; nobody is sent away for being faster. */
const PATIENCE_MS = 5000;
const LOOK_AGAIN_MS = 100;

/** Why no worker has a GPU, and what to do about it; null if one has. */
export async function missingGpu(registry: WorkerRegistry): Promise<string | null> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const workers = await registry.list();
    if (workers.some(({ gpu }) => gpu.available)) return null;
    const unsure = workers.some(({ gpu }) => gpu.available === null);
    if (!unsure || performance.now() > deadline) return reasonOf(workers);
    await sleep(LOOK_AGAIN_MS);
  }
}

function reasonOf(workers: readonly WorkerInfo[]): string {
  const [first] = workers;
  if (!first) return 'no worker is running, so none has a GPU; start one on a machine that has, or use device "cpu"';
  const reasons = [...new Set(workers.map(({ gpu }) => gpu.reason ?? "It has not found out yet: try again soon."))];
  const lead = workers.length === 1 ? "the worker has no GPU" : `none of ${workers.length} workers has a GPU`;
  return `${lead}: ${reasons.join(" Another says: ")}`;
}
