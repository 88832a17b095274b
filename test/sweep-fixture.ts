/** Submits sweeps as the API does, and waits for what comes of them. */
import { expect, vi } from "vitest";
import { newId } from "../src/jobs/ids.ts";
import type { JobOwner } from "../src/jobs/log-writer.ts";
import type { JobParts } from "../src/jobs/open-jobs.ts";
import type { TrialRecord } from "../src/jobs/sweeps/sweep.ts";
import { checkSweep } from "../src/sweeps/check-sweep.ts";
import { moons } from "./job-fixture.ts";

/** Trials of a moment each. */
export const moonSweep = {
  base: { ...moons, epochs: 9, batch_size: 64 },
  space: { "optimizer.lr": { log_uniform: [0.001, 0.3] }, "model.layers[0].out_features": { choice: [4, 8] } },
  trials: 4,
};

export async function submitSweep(
  { sweeps, datasets, initialWeights }: JobParts,
  spec: object,
  owner?: JobOwner,
): Promise<string> {
  const checked = await checkSweep(spec, {
    dataset: (id) => datasets.get(id),
    weights: (id, which) => initialWeights.shapes(id, which),
  });
  if (!checked.ok) throw new Error(JSON.stringify(checked.errors));
  const id = newId("swp");
  await sweeps.submit({ id, spec: checked.sweep }, undefined, owner);
  return id;
}

export async function untilSweep(parts: JobParts, id: string, status: string, timeout = 60_000): Promise<void> {
  await vi.waitFor(
    async () => {
      const state = await parts.sweepLog.state(id);
      expect(state?.status, JSON.stringify(state?.error ?? state?.trials)).toBe(status);
    },
    { timeout, interval: 20 },
  );
}

export const trialsOf = (parts: JobParts, id: string): Promise<TrialRecord[]> => parts.sweepLog.trials(id);

export async function sweepEventsOf(parts: JobParts, id: string) {
  return (await parts.sweepLog.events(id, 0, 100_000)).map(({ json, type }) => ({ ...JSON.parse(json), type }));
}
