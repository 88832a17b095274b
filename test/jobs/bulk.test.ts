/** What is large in a spec lies in the object store, and comes back as it was. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadBulk, storeBulk } from "../../src/jobs/bulk.ts";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";

let root: string;
let store: DiskObjectStore;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "epochd-bulk-"));
  store = new DiskObjectStore(root);
});
afterAll(() => rm(root, { recursive: true }));

const rows = Array.from({ length: 1000 }, (_, i) => [i, i / 3]);
const inline = { inputs: rows, targets: rows.map(([x]) => x) };
const spec = {
  epochs: 3,
  model: { layers: [{ type: "Linear" }], init: { weights: { "0.weight": rows } } },
  data: { inline, preprocess: { standardize: true } },
  validation: { inline: { inputs: [[1, 2]], targets: [3] } },
};

test("data and weights leave the spec and come back to it; little ones stay", async () => {
  const before = structuredClone(spec);
  const light = await storeBulk(spec, "job_a", store);
  expect(spec).toEqual(before);
  const reference = { stored_sha256: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: expect.any(Number) };
  expect(light).toEqual({
    ...spec,
    model: { ...spec.model, init: { weights: reference } },
    data: { ...spec.data, inline: reference },
  });
  expect(JSON.stringify(light).length).toBeLessThan(1000);
  expect(await store.list("jobs/job_a")).toHaveLength(2);
  expect(await loadBulk(light, "job_a", store)).toEqual(spec);
});

test.each([
  [{ data: { builtin: "xor" }, validation: { split: 0.2 }, model: { layers: [], init: null } }],
  [{ data: { dataset_id: "ds_a", target: "b" }, validation: null, model: { layers: [], init: { job_id: "job_b" } } }],
  [{ epochs: 1 }],
])("a spec without them is left as it is: %j", async (plain) => {
  expect(await storeBulk(plain, "job_c", store)).toEqual(plain);
  expect(await loadBulk(plain, "job_c", store)).toEqual(plain);
  expect(await store.list("jobs/job_c")).toEqual([]);
});
