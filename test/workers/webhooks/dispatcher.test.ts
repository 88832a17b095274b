/** Webhooks to a real receiver: signed, tried again, given up, and never forgotten. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JobParts } from "../../../src/jobs/open-jobs.ts";
import { type DispatcherOptions, WebhookDispatcher } from "../../../src/workers/webhooks/dispatcher.ts";
import { type BrokerFixture, startTestBroker } from "../../broker-fixture.ts";
import { moons, submit } from "../../job-fixture.ts";

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const secret = `whsec_${Buffer.from("a secret of twenty-eight bytes").toString("base64")}`;
let broker: BrokerFixture;
let parts: JobParts;
let server: Server;
let received: Received[];
let answers: number[];

beforeAll(async () => {
  broker = await startTestBroker();
  server = createServer(async (request, response) => {
    received.push({ path: request.url ?? "", headers: request.headers, body: await text(request) });
    const status = answers.shift() ?? 200;
    response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end("thanks");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await broker.close();
});
beforeEach(async () => {
  parts = await broker.parts();
  received = [];
  answers = [];
});

function dispatcher(options: Partial<DispatcherOptions> = {}): WebhookDispatcher {
  const logger = pino({ level: "silent" });
  return new WebhookDispatcher(
    { ...parts, logger },
    { secret, allowPrivate: true, timeoutMs: 2000, pauses: [0, 0], ...options },
  );
}

function receiver(): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The receiver listens on no port.");
  return `http://127.0.0.1:${address.port}`;
}

async function cancelled(webhook: object = {}): Promise<string> {
  const url = `${receiver()}/hook`;
  const id = await submit(parts, { ...moons, webhook: { url, ...webhook } });
  await parts.jobs.cancel(id);
  return id;
}

describe("a webhook", () => {
  test("is a signed POST of the event, with an id of its own", async () => {
    const id = await cancelled();
    expect(await dispatcher().dispatch()).toBe(1);
    const [post] = received;
    const read = new Webhook(secret).verify(post?.body ?? "", { ...post?.headers } as Record<string, string>);
    const [, event] = await parts.log.events(id);
    expect(read).toEqual({
      type: "job.cancelled",
      timestamp: JSON.parse(event?.json ?? "").time,
      data: JSON.parse(event?.json ?? ""),
    });
    expect(post?.headers).toMatchObject({ "webhook-id": `msg_${id}_2`, "content-type": "application/json" });
    expect(await parts.webhooks.deliveries(id)).toMatchObject([
      { event: "cancelled", seq: 2, attempt: 1, status: 200, error: null, next_at: null },
    ]);
    expect(await dispatcher().dispatch()).toBe(0);
  });

  test("comes for the events that are asked for, and for no others", async () => {
    const id = await submit(parts, { ...moons, webhook: { url: `${receiver()}/hook`, events: ["paused"] } });
    await parts.jobs.pause(id);
    await parts.jobs.cancel(id);
    expect(await dispatcher().dispatch()).toBe(1);
    expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({ type: "job.paused", data: { job_id: id } });
  });

  test("is tried again with the same id until it is taken", async () => {
    const id = await cancelled();
    answers = [500, 503];
    for (let i = 0; i < 3; i++) expect(await dispatcher().dispatch()).toBe(1);
    expect(await dispatcher().dispatch()).toBe(0);
    expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    const log = await parts.webhooks.deliveries(id);
    expect(log.map(({ attempt, status, error }) => [attempt, status, error])).toEqual([
      [3, 200, null],
      [2, 503, "the answer was 503, expected one of 200 … 299"],
      [1, 500, "the answer was 500, expected one of 200 … 299"],
    ]);
    expect(log[1]?.next_at).not.toBeNull();
  });

  test("waits between two attempts", async () => {
    const id = await cancelled();
    answers = [500];
    await dispatcher({ pauses: [3600] }).dispatch();
    expect(await dispatcher().dispatch()).toBe(0);
    const [{ time = "", next_at } = { time: "", next_at: null }] = await parts.webhooks.deliveries(id);
    const pause = (Date.parse(next_at ?? "") - Date.parse(time)) / 1000;
    expect(pause).toBeGreaterThan(3599);
    expect(pause).toBeLessThan(1.21 * 3600);
  });

  test.each([
    ["after the last attempt", [500, 500, 500], 3],
    ["at once where the receiver is gone for good", [410], 1],
  ])("is given up %s", async (_when, statuses, attempts) => {
    const id = await cancelled();
    answers = [...statuses];
    for (let i = 0; i < attempts; i++) await dispatcher().dispatch();
    expect((await parts.webhooks.deliveries(id))[0]).toMatchObject({ attempt: attempts, next_at: null });
    expect(await dispatcher().dispatch()).toBe(0);
  });

  test("does not follow a redirect, which could lead anywhere", async () => {
    const id = await cancelled();
    answers = [302];
    await dispatcher().dispatch();
    expect(received.map(({ path }) => path)).toEqual(["/hook"]);
    expect((await parts.webhooks.deliveries(id))[0]).toMatchObject({ status: 302, error: expect.any(String) });
  });

  test("is left to others by a worker that died with it", async () => {
    await cancelled();
    expect(await parts.webhooks.claim(10, 60_000)).toHaveLength(1);
    expect(await parts.webhooks.claim(10, 60_000)).toEqual([]);
    const other = await cancelled();
    expect(await parts.webhooks.claim(10, 0)).toMatchObject([{ jobId: other, attempt: 1 }]);
    expect(await parts.webhooks.claim(10, 0)).toMatchObject([{ jobId: other, attempt: 2 }]);
  });

  test("of a deleted job is forgotten", async () => {
    const id = await cancelled();
    await parts.jobs.remove(id);
    expect(await dispatcher().dispatch()).toBe(1);
    expect(received).toEqual([]);
    expect(await dispatcher().dispatch()).toBe(0);
  });

  test("of a job that is deleted while it is sent leaves nothing behind", async () => {
    const id = await cancelled();
    const [due] = await parts.webhooks.claim(1, 0);
    if (!due) throw new Error("No webhook is due.");
    await parts.jobs.remove(id);
    const attempt = { webhook_id: "msg", event: "cancelled", status: 500, error: "the answer was 500", ms: 1 };
    const time = new Date().toISOString();
    await parts.webhooks.settle(due, { ...attempt, seq: due.seq, attempt: 1, time, next_at: time });
    expect(await parts.webhooks.deliveries(id)).toEqual([]);
    expect(await parts.webhooks.claim(1, 0)).toEqual([]);
  });
});

describe("a private address", () => {
  test.each(["127.0.0.1", "localhost"])("is not reached: %s", async (host) => {
    const id = await cancelled({ url: receiver().replace("127.0.0.1", host) });
    await dispatcher({ allowPrivate: false }).dispatch();
    expect(received).toEqual([]);
    const [first] = await parts.webhooks.deliveries(id);
    expect(first).toMatchObject({ status: null, error: expect.stringContaining("is no public address") });
  });
});

test("a receiver that does not answer counts as away", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  const port = typeof address === "object" ? address?.port : 0;
  const id = await cancelled({ url: `http://127.0.0.1:${port}/` });
  await dispatcher({ timeoutMs: 100 }).dispatch();
  expect((await parts.webhooks.deliveries(id))[0]).toMatchObject({ status: null, error: "no answer within 0.1 s" });
  silent.closeAllConnections();
  silent.close();
});
