/** Streams whose connections break and fall silent, on a clock of their own: what is waited for takes minutes. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Epochd, type FollowOptions, UnreachableError } from "../../src/client/index.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] }));
afterEach(() => void vi.useRealTimers());

const MINUTE_MS = 60_000;
const PING = ": ping\n\n";
const eventOf = (seq: number, event: string): string => `id: ${seq}\nevent: ${event}\ndata: {"seq":${seq}}\n\n`;

type Sender = ReadableStreamDefaultController<Uint8Array>;
const encoder = new TextEncoder();
const send = (to: Sender, text: string) => to.enqueue(encoder.encode(text));
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Each connection is what `script` makes of it; it counts them from 1 on. */
function serviceThat(script: (connection: number, to: Sender) => Promise<void>) {
  let connections = 0;
  const answer = (signal: AbortSignal | null | undefined) =>
    new Response(
      new ReadableStream<Uint8Array>({
        start: (to) => {
          const fail = (reason: unknown) => to.error(reason);
          signal?.addEventListener("abort", () => fail(signal.reason));
          script(++connections, to).catch(fail);
        },
      }),
    );
  return { fetch: async (_input: unknown, init?: RequestInit) => answer(init?.signal), connections: () => connections };
}

async function heardOf(fetch: typeof globalThis.fetch, options: FollowOptions = {}): Promise<string[]> {
  const heard: string[] = [];
  for await (const event of new Epochd({ fetch }).run("job_x").events(options)) heard.push(event.event);
  return heard;
}

/** What comes of it within an hour. */
async function inAnHour<T>(promise: Promise<T>): Promise<T> {
  const settled = promise.then(
    (value) => () => value,
    (error: unknown) => () => {
      throw error;
    },
  );
  await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
  return (await Promise.race([settled, Promise.reject(new Error("It is still under way after an hour."))]))();
}

test("a break that was mended does not count against the next one, though no event came in between", async () => {
  const service = serviceThat(async (connection, to) => {
    if (connection > 10) return send(to, eventOf(1, "completed"));
    for (let i = 0; i < 8; i++) {
      send(to, PING);
      await later(15_000);
    }
    throw new Error("reset");
  });
  expect(await inAnHour(heardOf(service.fetch))).toEqual(["completed"]);
});

test("who sends nothing but ends is waited for as long as patience lasts, with pauses between the tries", async () => {
  const service = serviceThat(async (_connection, to) => to.close());
  await expect(inAnHour(heardOf(service.fetch, { patienceMs: 5 * MINUTE_MS }))).rejects.toBeInstanceOf(
    UnreachableError,
  );
  expect(service.connections()).toBeLessThan(60);
});

test("a connection that falls silent is given up, and another one made", async () => {
  const service = serviceThat(async (connection, to) => {
    send(to, eventOf(connection, connection === 1 ? "epoch" : "completed"));
  });
  const broken: unknown[] = [];
  expect(await inAnHour(heardOf(service.fetch, { onBreak: (error) => void broken.push(error) }))).toEqual([
    "epoch",
    "completed",
  ]);
  expect(broken).toEqual([new UnreachableError("Nothing was heard of the service for 45 s.")]);
});

test("one that is not even answered, too", async () => {
  let connections = 0;
  const fetch = (_input: unknown, init?: RequestInit): Promise<Response> => {
    if (++connections > 1) return Promise.resolve(new Response(eventOf(1, "completed")));
    return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  };
  expect(await inAnHour(heardOf(fetch))).toEqual(["completed"]);
});

test("who takes an hour over an event has not lost the connection", async () => {
  const service = serviceThat(async (_connection, to) => {
    send(to, eventOf(1, "epoch"));
    send(to, eventOf(2, "completed"));
  });
  const heard: string[] = [];
  const slow = (async () => {
    for await (const { event } of new Epochd({ fetch: service.fetch }).run("job_x").events()) {
      heard.push(event);
      await later(20 * MINUTE_MS);
    }
  })();
  await inAnHour(slow);
  expect([heard, service.connections()]).toEqual([["epoch", "completed"], 1]);
});
