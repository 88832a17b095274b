/** The service with its objects on a server that speaks S3: API and worker share nothing but the broker and the bucket. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openObjectStore } from "../../src/jobs/open-object-store.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { run } from "../process-fixture.ts";
import { startS3Server } from "../s3-server.ts";

const s3 = await startS3Server();
if (!s3) console.warn("The service on S3 is not tested: no moto (pip install 'moto[server]'), and no EPOCHD_TEST_S3.");
let broker: BrokerFixture;
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(async () => {
  await broker.close();
  await s3?.close();
});

const csv = ["x,y", ...Array.from({ length: 40 }, (_, i) => `${i},${i % 2 ? "odd" : "even"}`)].join("\n");

describe.skipIf(s3 === null)("a service on S3", () => {
  test("keeps data sets and models there: what is uploaded is trained on, asked and removed", async () => {
    const bucket = await s3!.bucket();
    const directory = await mkdtemp(join(tmpdir(), "epochd-s3-"));
    const environment = (part: string) => ({
      REDIS_URL: broker.url,
      DATA_DIR: join(directory, part),
      PORT: "0",
      LOG_LEVEL: "warn",
      S3_BUCKET: bucket.bucket,
      S3_ENDPOINT: bucket.endpoint ?? "",
      S3_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
      S3_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
      S3_PREFIX: "epochd/",
    });
    const api = run(["--api"], environment("api"));
    const worker = run(["--worker"], environment("worker"));
    try {
      const url = (await api.until(/API on (http:\S+)/))[1] ?? "";
      const call = async (path: string, init: RequestInit = {}) => {
        const answer = await fetch(url + path, init);
        return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
      };
      const post = (path: string, body: object) =>
        call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

      expect(await call("/readyz")).toMatchObject({ status: 200, body: { checks: { store: { ok: true } } } });
      const dataset = await call("/v1/datasets", {
        method: "POST",
        headers: { "content-type": "text/csv" },
        body: csv,
      });
      expect(dataset).toMatchObject({ status: 201, body: { rows: 40 } });
      const job = await post("/v1/jobs", {
        model: { layers: [{ type: "Linear", out_features: 2 }] },
        loss: "CrossEntropyLoss",
        optimizer: { type: "SGD", lr: 0.01 },
        epochs: 2,
        data: { dataset_id: dataset.body.id, target: "y" },
      });
      expect(job.status).toBe(202);
      const path = `/v1/jobs/${job.body.id}`;
      await vi.waitFor(async () => expect((await call(path)).body.status).toBe("completed"), {
        timeout: 40_000,
        interval: 50,
      });
      expect(await post(`${path}/predict`, { inputs: [[3]] })).toMatchObject({
        status: 200,
        body: { labels: [expect.any(String)] },
      });

      const store = await openObjectStore({ kind: "s3", location: { ...bucket, prefix: "epochd/" } });
      expect(await store.list(`jobs/${job.body.id}`)).toContainEqual(expect.stringMatching(/\/1-2-/));
      expect(await call(path, { method: "DELETE" })).toMatchObject({ status: 204 });
      expect(await call(`/v1/datasets/${dataset.body.id}`, { method: "DELETE" })).toMatchObject({ status: 204 });
      expect([...(await store.list("jobs")), ...(await store.list("datasets"))]).toEqual([]);
      for (const part of await readdir(directory)) {
        expect(await readdir(join(directory, part))).not.toContain("objects");
      }
    } finally {
      api.kill("SIGTERM");
      worker.kill("SIGTERM");
      await Promise.all([api.ended, worker.ended]);
      await rm(directory, { recursive: true, force: true });
    }
  }, 90_000);
});
