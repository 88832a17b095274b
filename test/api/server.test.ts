import { request } from "node:http";
import { connect } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApi } from "../../src/api/server.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { UNLIMITED } from "../../src/jobs/quota.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { readEvents, seqs } from "./event-reader.ts";
import { JobScript } from "./job-script.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  parts = await broker.parts();
});
afterAll(() => broker.close());

const start = () =>
  startApi(
    { host: "127.0.0.1", port: 0, apiKeysRequired: false, quota: UNLIMITED },
    { ...parts, broker: { ...broker, promise: "" }, logger },
  );
const logger = pino({ level: "silent" });

describe("a shutdown", () => {
  test("ends streams cleanly and does not wait for connections that only wait", async () => {
    const api = await start();
    const job = await new JobScript(parts).queue();
    const opened = Promise.withResolvers<void>();
    const reading = readEvents(`${api.url}/v1/jobs/${job.id}/events`, {
      enough: () => {
        opened.resolve();
        return false;
      },
    });
    await fetch(`${api.url}/healthz`);
    await opened.promise;
    await api.close();
    expect(seqs((await reading).events)).toEqual([1]);
    await expect(fetch(`${api.url}/healthz`)).rejects.toThrow();
  });

  test("answers what is under way", async () => {
    const api = await start();
    const upload = request(`${api.url}/v1/datasets`, { method: "POST", headers: { "content-type": "text/csv" } });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      upload.on("response", (response) => resolve(response.resume().statusCode));
      upload.on("error", reject);
    });
    await new Promise((resolve) => upload.write("a,b\n1,2\n", resolve));
    await fetch(`${api.url}/healthz`);
    const closed = api.close();
    upload.end("3,4\n");
    expect(await answered).toBe(201);
    await closed;
  });
});

test("two processes on one broker show the same: a stream begun at one goes on at the other", async () => {
  const [one, other] = [await start(), await start()];
  const job = await (await (await (await new JobScript(parts).queue()).start()).train(20)).complete();
  const whole = await readEvents(`${one.url}/v1/jobs/${job.id}/events`);
  const begun = await readEvents(`${one.url}/v1/jobs/${job.id}/events`, { enough: (events) => events.length === 7 });
  const rest = await readEvents(`${other.url}/v1/jobs/${job.id}/events`, { lastEventId: "7" });
  expect([...begun.events, ...rest.events]).toEqual(whole.events);
  await Promise.all([one.close(), other.close()]);
});

test("what is no HTTP gets a problem document, and the service lives", async () => {
  const api = await start();
  const { port } = new URL(api.url);
  const socket = connect(Number(port), "127.0.0.1", () => socket.write("NONSENSE\r\n\r\n"));
  let text = "";
  for await (const chunk of socket) text += chunk;
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json/);
  expect(JSON.parse(text.split("\r\n\r\n")[1] ?? "")).toMatchObject({ status: 400 });
  expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
  await api.close();
});

test("a port that is taken ends the start with its reason", async () => {
  const api = await start();
  const port = Number(new URL(api.url).port);
  const again = startApi(
    { host: "127.0.0.1", port, apiKeysRequired: false, quota: UNLIMITED },
    { ...parts, broker: { ...broker, promise: "" }, logger },
  );
  await expect(again).rejects.toThrow("EADDRINUSE");
  await api.close();
});
