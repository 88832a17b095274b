/** The process of the embedded broker: Valkey in WebAssembly, its snapshots, and an end in order. */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { type Answer, Start } from "./embedded-messages.ts";
import { putAside, readSnapshot, restoreSnapshot, SnapshotError, takeSnapshot, writeSnapshot } from "./snapshot.ts";
import { ValkeyInstance } from "./valkey-instance.ts";

/** Taking snapshots may use a tenth of the time; with much data they come less often. */
const REST_PER_WORK = 9;
/** The service has died: others may want to write a last word before the broker ends. */
const LAST_WORDS_MS = 2000;

process.once("message", (message) => {
  run(Start.parse(message)).catch((error: unknown) => {
    tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  });
});

async function run(start: Start): Promise<void> {
  const instance = await new ValkeyInstance(start.port).start();
  const redis = new Redis(start.port, "127.0.0.1", { maxRetriesPerRequest: 1 });
  await redis.config("SET", "requirepass", start.password);
  // Should the connection break, it comes back with the password.
  redis.options.password = start.password;
  // Whoever connected before there was a password would stay without one.
  await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  const notices = await restore(redis, start.snapshot);
  const keeper = new SnapshotKeeper(redis, start.snapshot, start.snapshotMs);

  let ending = false;
  const end = async (patienceMs: number) => {
    if (ending) return;
    ending = true;
    await keeper.stop();
    await waitUntilAlone(redis, patienceMs);
    await keeper.save();
    redis.disconnect();
    await instance.stop();
    process.exit(0);
  };
  const endOrDie = (patienceMs: number) => {
    end(patienceMs).catch((error: unknown) => {
      console.error("The last snapshot could not be written.", error);
      process.exit(1);
    });
  };
  process.on("SIGTERM", () => endOrDie(0));
  process.on("disconnect", () => endOrDie(LAST_WORDS_MS));
  keeper.start();
  tell({ type: "ready", notices });
}

async function restore(redis: Redis, path: string): Promise<string[]> {
  const bytes = await readSnapshot(path);
  if (!bytes) return [];
  try {
    await restoreSnapshot(redis, bytes);
    return [];
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    await redis.flushall();
    const aside = await putAside(path);
    return [`The broker's snapshot can't be read (${error.message}). It lies at ${aside}; the broker starts empty.`];
  }
}

class SnapshotKeeper {
  private readonly redis: Redis;
  private readonly path: string;
  private readonly everyMs: number;
  private changesSaved = -1;
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(redis: Redis, path: string, everyMs: number) {
    this.redis = redis;
    this.path = path;
    this.everyMs = everyMs;
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** Writes a snapshot if anything has changed since the last one. */
  async save(): Promise<void> {
    const changes = await this.changes();
    if (changes === this.changesSaved) return;
    await writeSnapshot(this.path, await takeSnapshot(this.redis));
    this.changesSaved = changes;
  }

  private async run(): Promise<void> {
    let rest = this.everyMs;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleep(rest, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const before = performance.now();
      await this.save().catch((error: unknown) => console.error("A snapshot could not be written.", error));
      rest = Math.max(this.everyMs, (performance.now() - before) * REST_PER_WORK);
    }
  }

  private async changes(): Promise<number> {
    const info = await this.redis.info("persistence");
    return Number(/rdb_changes_since_last_save:(\d+)/.exec(info)?.[1] ?? Number.NaN);
  }
}

async function waitUntilAlone(redis: Redis, patienceMs: number): Promise<void> {
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    const clients = String(await redis.client("LIST"))
      .trim()
      .split("\n");
    if (clients.length <= 1) return;
    await sleep(50);
  }
}

function tell(answer: Answer): void {
  process.send?.(answer);
}
