/** Jobs that train together read their data once, and none of them pays for another. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DataSource } from "../../src/data/index.ts";
import { storeBulk } from "../../src/jobs/bulk.ts";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";
import type { JobSpec } from "../../src/spec/job-spec.ts";
import { prepareOnce } from "../../src/workers/prepare-once.ts";
import { sourceOf } from "../data/sources-of-the-tests.ts";
import { accepted, iris } from "../spec/specs-of-the-tests.ts";

let root: string;
let store: DiskObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "epochd-data-"));
  store = new DiskObjectStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Counts how often it was opened, and fails as often as it is told to. */
function counted(failures = 0): DataSource & { opened: number } {
  const files = sourceOf();
  return {
    opened: 0,
    open(id, wanted) {
      if (++this.opened <= failures) throw new Error("The store is away.");
      return files.open(id, wanted);
    },
  };
}

const withDropout = (p: number) => ({
  ...iris,
  model: { layers: [...iris.model.layers.slice(0, 2), { type: "Dropout", p }, ...iris.model.layers.slice(2)] },
});
const specOf = async (spec: object): Promise<JobSpec> => (await accepted(spec)).spec;

test("what differs in rates and seeds alone is prepared once; another seed draws another validation", async () => {
  const prepare = prepareOnce(store);
  const source = counted();
  const all = await Promise.all([
    specOf(withDropout(0.1)),
    specOf({ ...withDropout(0.2), seed: 1, optimizer: { type: "Adam", lr: 0.1 } }),
    specOf({ ...iris, validation: { split: 0.2 }, seed: 1 }),
    specOf({ ...iris, validation: { split: 0.2 }, seed: 2 }),
  ]);
  const made = [];
  for (const spec of all) made.push(await prepare({ jobId: "job_1", spec }, source));
  const [one, other, split, drawn] = made.map(({ prepared }) => prepared);
  expect(other).toBe(one);
  expect(drawn?.train.inputs).not.toEqual(split?.train.inputs);
  expect(source.opened).toBe(3);
  expect(made.map(({ spec }) => spec)).toEqual(all);
});

test("what could not be read is read again for the next job", async () => {
  const prepare = prepareOnce(store);
  const source = counted(1);
  const spec = await specOf(iris);
  await expect(prepare({ jobId: "job_1", spec }, source)).rejects.toThrow("The store is away.");
  expect((await prepare({ jobId: "job_2", spec }, source)).prepared.train.count).toBe(150);
});

test("data that each job has stored apart from its spec are read for the first one", async () => {
  const inputs = Array.from({ length: 2000 }, (_, i) => [i, Math.sin(i)]);
  const spec = await specOf({
    model: { layers: [{ type: "Linear", out_features: 1 }] },
    loss: "MSELoss",
    optimizer: "SGD",
    epochs: 1,
    data: { inline: { inputs, targets: inputs.map(([, y]) => [y]) } },
  });
  const prepare = prepareOnce(store);
  const stored = await storeBulk(spec, "job_1", store);
  expect(JSON.stringify(stored).length).toBeLessThan(5000);
  const [first, second] = ["job_1", "job_2"].map((jobId) => ({ jobId, spec: { ...spec, ...stored } }));
  if (!first || !second) throw new Error("There are two.");
  const made = await prepare(first, sourceOf());
  expect(made.spec).toEqual(spec);
  // Its own file is not there.
  const again = await prepare(second, sourceOf());
  expect(again.prepared).toBe(made.prepared);
  expect(again.spec).toEqual(spec);
});

test("each job's layers are asked whether they can take the numbers", async () => {
  const prepare = prepareOnce(store);
  const of = (num_embeddings: number) =>
    specOf({
      model: {
        layers: [
          { type: "Embedding", num_embeddings, embedding_dim: 2 },
          { type: "Flatten" },
          { type: "Linear", out_features: 1 },
        ],
      },
      loss: "MSELoss",
      optimizer: "SGD",
      epochs: 1,
      data: {
        inline: {
          inputs: [
            [0, 1],
            [2, 3],
          ],
          targets: [[0], [1]],
        },
      },
    });
  const enough = await of(4);
  const few: JobSpec = {
    ...enough,
    model: {
      ...enough.model,
      layers: enough.model.layers.with(0, { type: "Embedding", num_embeddings: 3, embedding_dim: 2 }),
    },
  };
  await prepare({ jobId: "job_1", spec: enough }, sourceOf());
  await expect(prepare({ jobId: "job_2", spec: few }, sourceOf())).rejects.toThrow("3 has no embedding");
});
