/** Probes and predictions of real jobs: told once each, whatever happens to the worker, and of the weights of their epoch. */
import { Readable } from "node:stream";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { modelWeights } from "../../src/engine/index.ts";
import type { UploadedFile } from "../../src/jobs/dataset-store.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { predictionsKey, StoredPredictions } from "../../src/jobs/predictions.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { checkpointOf, eventsOf, figuresOf, moons, slow, submit, untilEpoch, untilStatus } from "../job-fixture.ts";

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
let worker: RunningWorker | null = null;

beforeAll(async () => {
  broker = await startTestBroker();
  config = broker.config();
  parts = await broker.parts(config);
});
afterAll(() => broker.close());
afterEach(async () => {
  await worker?.close();
  worker = null;
});

async function work(): Promise<void> {
  worker = await startWorker(config, { url: broker.url, logger: pino({ level: "silent" }) });
}

const probesOf = async (id: string) => (await eventsOf(parts, id)).filter(({ type }) => type === "probe");

async function predictionsOf(id: string): Promise<StoredPredictions> {
  return StoredPredictions.parse(JSON.parse(Buffer.from(await parts.store.read(predictionsKey(id))).toString()));
}

describe("probes", () => {
  test("tell what the model gives, at each epoch asked for, and of which grid", async () => {
    const probes = { grid: { x: { points: 4 }, y: { points: 3 } }, every_epochs: 8 };
    const [plain, probed] = [await submit(parts, moons), await submit(parts, { ...moons, probes })];
    await work();
    await untilStatus(parts, plain, "completed");
    await untilStatus(parts, probed, "completed");
    const told = await probesOf(probed);
    expect(told.map(({ epoch }) => epoch)).toEqual([0, 8, 16, 20]);
    expect(told.map(({ grid }) => grid)).toEqual([
      { x: expect.objectContaining({ feature: "x", points: 4 }), y: expect.objectContaining({ points: 3 }), at: {} },
      ...[undefined, undefined, undefined],
    ]);
    for (const { outputs } of told) {
      expect(outputs).toHaveLength(12);
      for (const output of outputs) expect(output).toEqual([expect.any(Number), expect.any(Number)]);
    }
    expect(told[3]?.outputs).not.toEqual(told[0]?.outputs);

    expect(await figuresOf(parts, probed)).toEqual(await figuresOf(parts, plain));
    expect(modelWeights(await checkpointOf(parts, probed))).toEqual(modelWeights(await checkpointOf(parts, plain)));
  });

  test("take the words of a table as they stand in it", async () => {
    const table = "colour,size,y\nred,1,a\nblue,2,b\nred,3,a\nblue,4,b\n";
    const { id: dataset } = await parts.datasets.create(csv(table), { limit: 10_000 });
    const id = await submit(parts, {
      ...moons,
      data: { dataset_id: dataset, target: "y", preprocess: { one_hot: ["colour"], standardize: true } },
      validation: null,
      epochs: 2,
      probes: { inputs: [["red", 1], { colour: "blue", size: 4 }], every_epochs: 1 },
    });
    await work();
    await untilStatus(parts, id, "completed");
    expect((await probesOf(id)).map(({ epoch, outputs }) => [epoch, outputs.length])).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ]);
  });

  test("come once each when a worker stopped and another went on", async () => {
    const spec = {
      ...slow,
      epochs: 12,
      checkpoint: null,
      probes: { grid: { x: { points: 5 }, y: null }, every_epochs: 1 },
    };
    const disturbed = await submit(parts, spec);
    await work();
    await untilEpoch(parts, disturbed, 3);
    await worker?.close();
    await work();
    await untilEpoch(parts, disturbed, 6);
    await parts.jobs.pause(disturbed);
    await untilStatus(parts, disturbed, "paused");
    await parts.jobs.resume(disturbed);
    await untilStatus(parts, disturbed, "completed");
    const undisturbed = await submit(parts, spec);
    await untilStatus(parts, undisturbed, "completed");
    const essence = async (id: string) => (await probesOf(id)).map(({ epoch, outputs }) => ({ epoch, outputs }));
    expect((await essence(disturbed)).map(({ epoch }) => epoch)).toEqual(Array.from({ length: 13 }, (_, i) => i));
    expect(await essence(disturbed)).toEqual(await essence(undisturbed));
  });
});

describe("predictions", () => {
  test("are kept of the validation rows, from the weights that the job ends with", async () => {
    const id = await submit(parts, { ...moons, early_stopping: { patience: 3 } });
    await work();
    await untilStatus(parts, id, "completed");
    const { rows_of, rows, outputs, targets, epoch } = await predictionsOf(id);
    expect({ rows_of, rows }).toEqual({ rows_of: "validation", rows: 40 });
    expect(outputs).toHaveLength(40);
    const state = await parts.log.state(id);
    expect(epoch).toBe(state?.checkpoints[0]?.epoch);
    const pairs = outputs.map((output) => (Array.isArray(output) ? output.map(Number) : []));
    const right = pairs.filter(([first = 0, second = 0], i) => (second > first ? 1 : 0) === targets[i]).length;
    const events = await eventsOf(parts, id);
    const best = events.find(({ type, epoch }) => type === "epoch" && epoch === state?.best?.epoch);
    expect(right / 40).toBeCloseTo(best.val_metrics.accuracy, 6);
  });

  test("are a sample of many rows, and of the training where nothing validates", async () => {
    const id = await submit(parts, { ...moons, data: { ...moons.data, samples: 5000 }, validation: null, epochs: 1 });
    await work();
    await untilStatus(parts, id, "completed");
    const { rows_of, rows, outputs, targets } = await predictionsOf(id);
    expect({ rows_of, rows, outputs: outputs.length, targets: targets.length }).toEqual({
      ...{ rows_of: "training", rows: 5000, outputs: 1000, targets: 1000 },
    });
  });
});

async function* csv(text: string): AsyncGenerator<UploadedFile> {
  yield { name: "x", fileName: "", mediaType: "text/csv", content: Readable.from([Buffer.from(text)]) };
}
