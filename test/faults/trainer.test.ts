/** Specs that use up a trainer's memory or never come to the end of a step: they fail, the worker and its other jobs go on. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Job } from "../../src/jobs/job.ts";
import { within } from "./stage/chance.ts";
import { expectNothingLost } from "./stage/nothing-lost.ts";
import { lively, QUICK, Stage } from "./stage/stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(QUICK);
  await stage.rehearse(lively);
});
afterEach(({ task }) => stage.clear(task));
afterAll(() => stage.close());

/** The job fails beside one that trains on the same worker, which then trains another one. */
async function failsAlone(env: Record<string, string>, spec: object): Promise<Job["error"]> {
  const worker = await stage.startWorker(env);
  stage.follow(await stage.post(lively));
  const response = await stage.ask("/v1/jobs", spec);
  const job: Job = await response.json();
  expect(response.status, JSON.stringify(job)).toBe(202);
  const failed = await stage.untilStatus(job.id, "failed");
  await stage.post(lively);
  await expectNothingLost(stage);
  expect(stage.isRunning(worker)).toBe(true);
  return failed.error;
}

test(
  "out of memory in JavaScript's heap",
  async () => {
    const rows = Array.from({ length: 150_000 }, (_, i) => [i, i % 7, i % 11]);
    const spec = {
      ...lively,
      data: { inline: { inputs: rows, targets: rows.map((_, i) => i % 2) } },
      validation: null,
    };
    expect(await failsAlone({ HEAP_MB: "24" }, spec)).toMatchObject({ status: 507, title: /memory/ });
  },
  within(300),
);

test(
  "a step that does not come to its end is ended by the watchdog",
  async () => {
    const wide = { type: "Linear", out_features: 2048 };
    const spec = {
      ...lively,
      model: { layers: [wide, { type: "ReLU" }, wide, { type: "ReLU" }, wide, { type: "Linear", out_features: 2 }] },
      data: { builtin: "moons", samples: 50_000, noise: 0.2, seed: 1 },
      validation: null,
      batch_size: 50_000,
    };
    expect(await failsAlone({ STEP_TIMEOUT_S: "10" }, spec)).toMatchObject({ title: "The training hung" });
  },
  within(300),
);
