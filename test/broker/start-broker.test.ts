/** The brokers that the service starts itself: what they keep, who may talk to them, and how they end. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Broker } from "../../src/broker/broker.ts";
import { findBroker } from "../../src/broker/broker-record.ts";
import { DirectoryLockedError } from "../../src/broker/directory-lock.ts";
import { findServer } from "../../src/broker/server-broker.ts";
import { startBroker } from "../../src/broker/start-broker.ts";
import { readConfig } from "../../src/config.ts";

const kinds = (await findServer()) === null ? (["embedded"] as const) : (["server", "embedded"] as const);

let directory: string;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "epochd-broker-"));
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  await rm(directory, { recursive: true, force: true });
});

async function start(kind: string, tell?: (news: string) => void): Promise<Broker> {
  const broker = await startBroker(readConfig({ DATA_DIR: directory, BROKER: kind, SNAPSHOT_MS: "200" }), tell);
  open.push(broker);
  return broker;
}

async function client(broker: Pick<Broker, "url">): Promise<Redis> {
  const redis = new Redis(broker.url, { lazyConnect: true });
  redis.on("error", () => {});
  open.push({ close: async () => redis.disconnect() });
  await redis.connect();
  return redis;
}

async function closeAll(): Promise<void> {
  for (const each of open.splice(0).reverse()) await each.close();
}

const pidOf = async () => JSON.parse(await readFile(join(directory, "broker", "broker.json"), "utf8")).pid;

describe.each(kinds)("the %s broker", (kind) => {
  test("says what it is and what it promises", async () => {
    const broker = await start(kind);
    expect(broker.kind).toBe(kind);
    expect(broker.promise).toMatch(kind === "server" ? /append-only file/ : /snapshot every 0.2 s/);
  });

  test("wants a password, and listens on the loopback only", async () => {
    const broker = await start(kind);
    const url = new URL(broker.url);
    expect(url.hostname).toBe("127.0.0.1");
    url.password = "";
    const stranger = new Redis(url.href, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    stranger.on("error", () => {});
    await expect(stranger.connect().then(() => stranger.get("key"))).rejects.toThrow();
    stranger.disconnect();
  });

  test("keeps everything over a stop and a start: values, times to live, hashes, lists, sets and streams", async () => {
    const before = await client(await start(kind));
    await before.set("{t}:text", Buffer.from([0, 255, 10, 13]));
    await before.set("{t}:expiring", "x", "EX", 1000);
    await before.hset("{t}:hash", { a: "1", b: "ä" });
    await before.rpush("{t}:list", "1", "2", "3");
    await before.zadd("{t}:sorted", 1.5, "a", 4503599627370497, "b");
    await before.xadd("{t}:stream", "1-0", "e", "queued", "d", "{}");
    await before.xadd("{t}:stream", "2-0", "e", "started", "d", "{}");
    await before.xadd("{t}:empty", "7-0", "e", "x");
    await before.xdel("{t}:empty", "7-0");
    await closeAll();

    const after = await client(await start(kind));
    expect(await after.getBuffer("{t}:text")).toEqual(Buffer.from([0, 255, 10, 13]));
    expect(await after.ttl("{t}:expiring")).toBeGreaterThan(900);
    expect(await after.hgetall("{t}:hash")).toEqual({ a: "1", b: "ä" });
    expect(await after.lrange("{t}:list", 0, -1)).toEqual(["1", "2", "3"]);
    expect(await after.zrange("{t}:sorted", "0", "-1", "WITHSCORES")).toEqual(["a", "1.5", "b", "4503599627370497"]);
    expect(await after.xrange("{t}:stream", "-", "+")).toEqual([
      ["1-0", ["e", "queued", "d", "{}"]],
      ["2-0", ["e", "started", "d", "{}"]],
    ]);
    // A stream remembers its last number even when it is empty.
    await expect(after.xadd("{t}:empty", "7-0", "e", "x")).rejects.toThrow(/equal or smaller/);
  });

  test("keeps much data, and gives it in answers of many megabytes", async () => {
    const before = await client(await start(kind));
    const filler = "x".repeat(1000);
    for (let stream = 0; stream < 4; stream++) {
      const pipeline = before.pipeline();
      for (let i = 1; i <= 5000; i++) pipeline.xadd(`{t}:${stream}`, `${i}-0`, "e", "epoch", "d", `${i} ${filler}`);
      await pipeline.exec();
    }
    await closeAll();
    const after = await client(await start(kind));
    const entries = await after.xrange("{t}:3", "-", "+");
    expect(entries).toHaveLength(5000);
    expect(entries.at(-1)).toEqual(["5000-0", ["e", "epoch", "d", `5000 ${filler}`]]);
  });

  test("answers at once, also to a client that waits for something to come", async () => {
    const broker = await start(kind);
    const [waiting, other] = [await client(broker), await client(broker)];
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      const woken = waiting.blpop("{t}:queue", 5);
      await other.ping();
      const pushed = performance.now();
      await other.rpush("{t}:queue", "x");
      await woken;
      waits.push(performance.now() - pushed);
    }
    // Without the corrections of the embedded one every wait takes about 100 ms.
    expect(waits.sort((a, b) => a - b)[10]).toBeLessThan(80);
  });

  test("locks its data directory against a second service", async () => {
    await start(kind);
    await expect(start(kind)).rejects.toThrow(DirectoryLockedError);
    await expect(start(kind)).rejects.toThrow(/in use by another service \(process \d+, since .*DATA_DIR/);
    await closeAll();
    await start(kind);
  });

  test("is found by the other parts of the service, and no more once it has ended", async () => {
    const broker = await start(kind);
    expect(await findBroker(directory)).toMatchObject({ url: broker.url, kind });
    await closeAll();
    expect(await findBroker(directory)).toBeNull();
  });

  test("is started again when it is killed, at the same place, with what it has promised to keep", async () => {
    const news: string[] = [];
    const redis = await client(await start(kind, (text) => news.push(text)));
    await redis.set("{t}:key", "kept");
    await new Promise((resolve) => setTimeout(resolve, kind === "embedded" ? 1500 : 50));
    process.kill(await pidOf(), "SIGKILL");
    await vi.waitFor(async () => expect(await redis.get("{t}:key")).toBe("kept"), { timeout: 10_000, interval: 50 });
    expect(news).toEqual([expect.stringMatching(/The broker died .*SIGKILL.* it is started again/)]);
  });
});

describe("the embedded broker", () => {
  const snapshot = () => join(directory, "broker", "embedded.snapshot");

  test.each([
    ["cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length - 9)],
    ["changed", (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 40), Buffer.from("oops"), bytes.subarray(44)])],
    ["of another kind", () => Buffer.from("hello")],
    ["empty", () => Buffer.alloc(0)],
  ])("puts a snapshot aside that is %s, says so, and starts empty", async (_how, damage) => {
    const before = await client(await start("embedded"));
    await before.set("{t}:key", "a value that is not so short");
    await closeAll();
    await writeFile(snapshot(), damage(await readFile(snapshot())));

    const broker = await start("embedded");
    expect(broker.notices).toEqual([expect.stringMatching(/snapshot can't be read .* It lies at .*damaged/)]);
    expect(await (await client(broker)).dbsize()).toBe(0);
    const files = await readdir(join(directory, "broker"));
    expect(files.filter((name) => name.includes("damaged"))).toHaveLength(1);
  });

  test("writes a snapshot soon after something has changed", async () => {
    const redis = await client(await start("embedded"));
    await redis.set("{t}:key", "1");
    const first = await vi.waitFor(() => readFile(snapshot()), { timeout: 5000, interval: 20 });
    await redis.set("{t}:key", "2");
    await vi.waitFor(async () => expect((await readFile(snapshot())).equals(first)).toBe(false), { timeout: 5000 });
  });

  test("goes on keeping what is written after all its connections were broken", async () => {
    const redis = await client(await start("embedded"));
    await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await redis.set("{t}:key", "written afterwards");
    await closeAll();
    expect(await (await client(await start("embedded"))).get("{t}:key")).toBe("written afterwards");
  });
});

describe("an external broker", () => {
  test("is used as it is", async () => {
    const own = await start("auto");
    const broker = await startBroker(readConfig({ REDIS_URL: own.url, DATA_DIR: directory }));
    expect(broker).toMatchObject({ kind: "external", url: own.url });
    await broker.close();
    expect(await (await client(own)).ping()).toBe("PONG");
  });

  test("that does not answer ends the start with one line, without its password", async () => {
    const config = readConfig({ REDIS_URL: "redis://:secret@127.0.0.1:1", DATA_DIR: directory });
    const error = await startBroker(config).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/The broker at REDIS_URL \(redis:.*127.0.0.1:1\) can't be used: .*ECONNREFUSED/);
    expect(String(error)).not.toMatch(/secret/);
  });
});
