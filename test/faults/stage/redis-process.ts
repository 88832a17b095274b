/** A Redis of its own, as an operator runs one (append-only file, synced every second), to be stopped, frozen and killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "../../../src/broker/free-port.ts";
import { findServer } from "../../../src/broker/server-broker.ts";

export const redisProgram = await findServer();

export class RedisProcess {
  readonly url: string;
  private readonly directory: string;
  private readonly port: number;
  private child: ChildProcess | null = null;

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start(directory: string): Promise<RedisProcess> {
    await mkdir(directory, { recursive: true });
    const redis = new RedisProcess(directory, await freePort());
    await redis.start();
    return redis;
  }

  async start(): Promise<void> {
    const child = spawn(redisProgram ?? "redis-server", ["-"], {
      cwd: this.directory,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.child = child;
    const settings = [
      "bind 127.0.0.1",
      `port ${this.port}`,
      `dir ${JSON.stringify(this.directory)}`,
      "appendonly yes",
      "appendfsync everysec",
      'save ""',
    ];
    child.stdin?.end(`${settings.join("\n")}\n`);
    const client = new Redis(this.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on("error", () => {});
    await client.ping();
    client.disconnect();
  }

  /** In order, as by its operator. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** It keeps its connections and answers nothing. */
  freeze(): void {
    this.child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.child?.kill("SIGCONT");
  }

  /**
   * Killed together with what was not on the disk yet, as when its machine fails: the append-only file ends where it
   * ended `ms` before. (Of a process that is killed alone the system still writes what it has handed over.)
   */
  async failWithoutLast(ms: number): Promise<number> {
    const path = await this.file();
    const { size } = await stat(path);
    await sleep(ms);
    await this.kill();
    const lost = (await stat(path)).size - size;
    await truncate(path, size);
    return lost;
  }

  async close(): Promise<void> {
    if (this.child?.exitCode === null && this.child.signalCode === null) await this.kill();
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  private async file(): Promise<string> {
    const folder = join(this.directory, "appendonlydir");
    const name = (await readdir(folder))
      .filter((name) => name.endsWith(".incr.aof"))
      .sort()
      .at(-1);
    if (name === undefined) throw new Error(`There is no append-only file in ${folder}.`);
    return join(folder, name);
  }
}
