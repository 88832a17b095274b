/** What is drawn, and what a worker holds of it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../src/jobs/ids.ts";
import type { JobParts } from "../../../src/jobs/open-jobs.ts";
import { specOf } from "../../../src/jobs/sweeps/sweep-log.ts";
import { shapesOf } from "../../../src/workers/sweeps/batches.ts";
import { TrialDrawer } from "../../../src/workers/sweeps/draw-trial.ts";
import { type BrokerFixture, startTestBroker } from "../../broker-fixture.ts";
import { moonSweep, submitSweep } from "../../sweep-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  parts = await broker.parts();
});
afterAll(() => broker.close());

test("trials whose data stand in the base name them, and hold none: many are drawn together", async () => {
  const inputs = Array.from({ length: 2000 }, (_, i) => [i / 2000, 1 - i / 2000]);
  const inline = { inputs, targets: inputs.map((_, i) => i % 2) };
  const id = await submitSweep(parts, { ...moonSweep, base: { ...moonSweep.base, data: { inline } } });
  const state = await parts.sweepLog.state(id);
  if (!state) throw new Error("The sweep is not there.");
  const drawer = await TrialDrawer.create(
    { ...parts, apiKeys: parts.keys, quota: broker.config().quota },
    id,
    specOf(state),
  );
  const check = drawer.checker();
  const drawn = [newId("job"), newId("job")].map(async (jobId, number) => {
    const checked = await check(number, jobId, drawer.redraw({ draws: {} }));
    if ("type" in checked) throw new Error(checked.detail);
    expect(JSON.stringify(checked.spec).length).toBeLessThan(4096);
    expect(checked.spec).toMatchObject({ data: { inline: { stored_sha256: expect.any(String) } } });
    expect(await parts.store.list(`jobs/${jobId}/inline`)).toHaveLength(1);
    return shapesOf(checked.spec);
  });
  const [one, other] = await Promise.all(drawn);
  expect(one).toBe(other);
});
