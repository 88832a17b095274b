import { once } from "node:events";
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { connect, Socket } from "node:net";
import { getDefaultHighWaterMark } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";
import { type ReadEvent, readEvents, seqs, upTo } from "./event-reader.ts";
import { JobScript } from "./job-script.ts";

let api: ApiFixture;
let url: string;
beforeAll(async () => {
  api = await startTestApi({ hub: { heartbeatMs: 200, maxBuffered: 2000, lagTimeoutMs: 60_000, catchUpBatch: 64 } });
  url = await api.listen();
});
afterAll(() => api.close());

const eventsOf = (job: JobScript) => `${url}/v1/jobs/${job.id}/events`;
const script = (epochs?: number) => new JobScript(api.parts, epochs).queue();

describe("the stream of a job's events", () => {
  test("gives every event from the start to a client that connects late, then ends", async () => {
    const job = await (await (await (await script()).start()).train(300)).complete();
    const { status, headers, events } = await readEvents(eventsOf(job));
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/event-stream");
    expect(headers.get("cache-control")).toBe("no-cache, no-transform");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(headers.get("x-request-id")).toMatch(/^req_/);
    expect(seqs(events)).toEqual(upTo(303));
    expect(events.map(({ event }) => event)).toEqual(["queued", "started", ...Array(300).fill("epoch"), "completed"]);
    expect(JSON.parse(events[5]?.data ?? "")).toMatchObject({ seq: 6, job_id: job.id, epoch: 4, loss: 0.25 });
  });

  test("gives live events to a client that waits", async () => {
    const job = await script();
    const reading = readEvents(eventsOf(job));
    await expect.poll(() => listeners()).toBe(1);
    await job.start();
    for (let i = 0; i < 5; i++) await job.train(2);
    await job.complete();
    expect(seqs((await reading).events)).toEqual(upTo(13));
  });

  test("goes on behind Last-Event-ID with the same bytes", async () => {
    const job = await (await (await (await script()).start()).train(20)).complete();
    const whole = await readEvents(eventsOf(job));
    const rest = await readEvents(eventsOf(job), { lastEventId: "9" });
    expect(seqs(rest.events)[0]).toBe(10);
    expect(whole.text.endsWith(rest.text)).toBe(true);
    const asked = await readEvents(`${eventsOf(job)}?after=9`);
    expect(asked.text).toBe(rest.text);
  });

  test("tells only the types that are asked for, and how it ended, as a stream and as a page", async () => {
    const job = await (await (await (await script()).start()).train(300)).complete();
    const whole = await readEvents(eventsOf(job));
    const some = await readEvents(`${eventsOf(job)}?types=started,queued`);
    expect(some.events).toEqual([...whole.events.slice(0, 2), whole.events.at(-1)]);
    const rest = await readEvents(`${eventsOf(job)}?types=started,queued`, { lastEventId: "1" });
    expect(rest.events).toEqual([whole.events[1], whole.events.at(-1)]);
    const page = async (query: string) =>
      (await fetch(`${eventsOf(job)}?types=queued&${query}`, { headers: { accept: "application/json" } })).json();
    expect(await page("limit=200")).toMatchObject({ data: [{ event: "queued", seq: 1 }], next_cursor: "200" });
    expect(await page("cursor=200")).toMatchObject({ data: [{ event: "completed" }], next_cursor: null });
  });

  test("tells the types that are asked for live, and pings while others come without a pause", async () => {
    const job = await script();
    let isOver = false;
    const reading = readEvents(`${eventsOf(job)}?types=started`, { enoughComments: 1 }).finally(() => {
      isOver = true;
    });
    await expect.poll(() => listeners()).toBe(1);
    await job.start();
    while (!isOver) await job.train(1);
    const { events } = await reading;
    expect(events.map(({ event }) => event)).toEqual(["started"]);
  });

  test("names types that there are not", async () => {
    const job = await script();
    const answer = await fetch(`${eventsOf(job)}?types=epoch,prob`);
    expect(answer.status).toBe(400);
    expect((await answer.json()).errors).toEqual([
      { path: "types", message: 'there are no events of type "prob"; did you mean "probe"?' },
    ]);
    expect((await fetch(`${eventsOf(job)}?types=`)).status).toBe(400);
  });

  test("believes Last-Event-ID more than ?after=, since an EventSource keeps its address when it reconnects", async () => {
    const job = await (await (await (await script()).start()).train(20)).complete();
    const { events } = await readEvents(`${eventsOf(job)}?after=3`, { lastEventId: "15" });
    expect(seqs(events)[0]).toBe(16);
  });

  test("answers 204 to a client that knows the terminal event, so that an EventSource stops", async () => {
    const job = await (await (await script()).start()).complete();
    const { status, text } = await readEvents(eventsOf(job), { lastEventId: "3" });
    expect(status).toBe(204);
    expect(text).toBe("");
  });

  test("pings a client to whom nothing happens", async () => {
    const job = await script();
    const { comments, text } = await readEvents(eventsOf(job), { enoughComments: 2 });
    expect(comments).toEqual(["ping", "ping"]);
    expect(text.endsWith(": ping\n\n")).toBe(true);
  });

  test.each(["*/*", "text/html,*/*;q=0.8", "text/event-stream, application/json"])(
    "streams to a client that accepts %s",
    async (accept) => {
      const job = await (await (await script()).start()).complete();
      const { headers, events } = await readEvents(eventsOf(job), { accept });
      expect(headers.get("content-type")).toBe("text/event-stream");
      expect(seqs(events)).toEqual([1, 2, 3]);
    },
  );

  test("comes as pages of JSON to a client that asks for JSON", async () => {
    const job = await (await (await (await script()).start()).train(8)).complete();
    const found: { seq: number; event: string }[] = [];
    let cursor: string | null = "0";
    while (cursor !== null) {
      const address: string = `${eventsOf(job)}?limit=4&cursor=${cursor}`;
      const page = await (await fetch(address, { headers: { accept: "application/json" } })).json();
      found.push(...page.data);
      cursor = page.next_cursor;
    }
    expect(found.map(({ seq }) => seq)).toEqual(upTo(11));
    expect(found.at(-1)?.event).toBe("completed");
  });

  test("refuses a position that is no number", async () => {
    const job = await script();
    expect((await readEvents(`${eventsOf(job)}?after=x`)).status).toBe(400);
    expect((await readEvents(eventsOf(job), { lastEventId: "-1" })).status).toBe(400);
  });

  test("is a 404 for a job that does not exist", async () => {
    const { status, text } = await readEvents(`${url}/v1/jobs/job_nothing/events`);
    expect(status).toBe(404);
    expect(JSON.parse(text).detail).toContain("job_nothing");
  });
});

describe("exactly once and in order", () => {
  test("for 20 readers that drop their connections at random while 1500 events are written", async () => {
    const job = await (await script(1500)).start();
    const random = seededRandom(7);
    const readers = Array.from({ length: 20 }, () => readWithDrops(eventsOf(job), random));
    for (let written = 0; written < 1500; written += 20) {
      await job.train(20);
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await job.complete();
    const stories = await Promise.all(readers);
    expect(stories.reduce((sum, { connections }) => sum + connections, 0)).toBeGreaterThan(100);
    const first = stories[0]?.events.map(({ data }) => data).join("\n");
    for (const { events } of stories) {
      expect(seqs(events)).toEqual(upTo(1503));
      expect(events.map(({ data }) => data).join("\n")).toBe(first);
    }
  });

  test("through broken connections to the broker", async () => {
    const job = await (await script()).start();
    const reading = readEvents(eventsOf(job));
    await expect.poll(() => listeners()).toBe(1);
    for (let i = 0; i < 5; i++) {
      await job.train(10);
      await killBrokerConnections();
    }
    await job.complete();
    expect(seqs((await reading).events)).toEqual(upTo(53));
  });

  test("for a client that stops reading for a while, without the service holding what it does not read", async () => {
    const job = await (await script()).start();
    const socket = await openRaw(`/v1/jobs/${job.id}/events`);
    await expect.poll(() => listeners()).toBe(1);
    socket.pause();
    // Far more than the kernel buffers for one connection.
    const metrics = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`metric_with_a_long_name_${i}`, i]));
    for (let i = 0; i < 40; i++) await job.train(25, { metrics });
    await job.complete();
    const text = await readToEnd(socket);
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(upTo(1003));
  });
});

test("a client that lags for too long is cut off", async () => {
  const strict = await startTestApi({ hub: { heartbeatMs: 50, maxBuffered: 1000, lagTimeoutMs: 100 } });
  try {
    const address = new URL(await strict.listen());
    const job = await (await new JobScript(strict.parts).queue()).start();
    const socket = connect(Number(address.port), address.hostname);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.write(`GET /v1/jobs/${job.id}/events HTTP/1.1\r\nhost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    const metrics = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`metric_with_a_long_name_${i}`, i]));
    for (let i = 0; i < 40; i++) await job.train(25, { metrics });
    await expect.poll(() => strict.hub.listenerCount, { timeout: 10_000 }).toBe(0);
    socket.resume();
    await closed;
  } finally {
    await strict.close();
  }
});

/** Node says that a socket is full when it holds so much. */
const NODE_BUFFERS = getDefaultHighWaterMark(false);

test("a client that reads nothing holds up its buffer and one event, however much it has to catch up with", async () => {
  const job = await (await script()).start();
  const metrics = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`metric_with_a_long_name_${i}`, i]));
  for (let i = 0; i < 40; i++) await job.train(25, { metrics });
  const held: number[] = [];
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    api.hub.subscribe(response, job.id, 0);
    const watching = setInterval(() => held.push(response.writableLength), 2);
    response.once("close", () => clearInterval(watching));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const socket = connect(address !== null && typeof address === "object" ? address.port : 0, "127.0.0.1");
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  // Once the kernel takes no more the same is held again and again.
  await expect.poll(() => (held.at(-1) ?? 0) > 2000 && new Set(held.slice(-100)).size === 1).toBe(true);
  const event = (await api.parts.log.events(job.id, 500, 1))[0]?.json.length ?? 0;
  expect(Math.max(...held)).toBeLessThan(NODE_BUFFERS + 2 * event);
  socket.destroy();
  server.close();
  await expect.poll(() => listeners()).toBe(0);
});

test("a client that was gone before its stream began is not followed", async () => {
  const job = await script();
  const before = listeners();
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  response.destroy();
  api.hub.subscribe(response, job.id, 0);
  api.hub.subscribeAll(response, [{ jobId: job.id, after: 0, finished: false }]);
  expect(listeners()).toBe(before);
});

test("shutting down ends every stream cleanly and at once", async () => {
  const other = await startTestApi();
  const address = await other.listen();
  const job = await new JobScript(other.parts).queue();
  let heard = 0;
  const enough = (events: ReadEvent[]) => {
    heard = events.length;
    return false;
  };
  const reading = readEvents(`${address}/v1/jobs/${job.id}/events`, { enough });
  await expect.poll(() => heard).toBe(1);
  await other.close();
  expect(seqs((await reading).events)).toEqual([1]);
});

const listeners = () => api.hub.listenerCount;

async function killBrokerConnections(): Promise<void> {
  await api.parts.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await expect.poll(() => api.parts.redis.ping().catch(() => "away")).toBe("PONG");
}

/** Reads a job to its end over many connections, each dropped after a random number of events. */
async function readWithDrops(address: string, random: () => number) {
  const events: ReadEvent[] = [];
  for (let connections = 1; ; connections++) {
    const most = 1 + Math.floor(random() * 150);
    const lastEventId = events.at(-1)?.id;
    const reading = await readEvents(address, {
      ...(lastEventId !== undefined && { lastEventId }),
      enough: (read) => read.length >= most,
    });
    events.push(...reading.events);
    if (events.at(-1)?.event === "completed") return { events, connections };
  }
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function openRaw(path: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  return socket;
}

async function readToEnd(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text.replaceAll(/\r\n[0-9a-f]+\r\n/g, "");
}
