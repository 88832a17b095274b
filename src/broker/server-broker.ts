/** A redis-server or valkey-server from the PATH as a child, with its append-only file in the data directory. */
import { type ChildProcess, spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { BrokerError, type Endpoint, type OwnBroker, urlOf } from "./broker.ts";

const SERVER_PROMISE =
  "writes an append-only file: a crash of the service loses nothing, one of the machine at most the last second";
const PROGRAMS = ["valkey-server", "redis-server"];
/** Reading a large append-only file takes its time. */
const START_MS = 60_000;

export async function findServer(): Promise<string | null> {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const program of PROGRAMS) {
      const path = join(directory, program);
      const runnable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (directory !== "" && runnable) return path;
    }
  }
  return null;
}

/** Throws BrokerError. */
export async function startServer(program: string, directory: string, endpoint: Endpoint): Promise<OwnBroker> {
  // In a process group of its own: Ctrl-C in a terminal is for the service, which ends its broker last.
  const child = spawn(program, ["-"], { cwd: directory, stdio: ["pipe", "pipe", "pipe"], detached: true });
  const output = keepTail(child);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}. ${output()}`));
  });
  // By stdin, because the command line of a process can be read by everyone on the machine.
  child.stdin.on("error", () => {});
  child.stdin.end(settings(directory, endpoint));

  const url = urlOf(endpoint);
  const failure = await Promise.race([ready(url, child), ended.then((reason) => reason)]);
  if (failure !== null || child.pid === undefined) {
    child.kill("SIGKILL");
    throw new BrokerError(`${program} did not start in ${directory}: ${failure}`);
  }
  const guard = endWithParent(child.pid);
  let closing = false;
  return {
    url,
    kind: "server",
    pid: child.pid,
    notices: [],
    promise: SERVER_PROMISE,
    lost: new Promise((resolve) => {
      void ended.then((reason) => {
        endGroup(guard);
        if (!closing) resolve(`${program}: ${reason}`);
      });
    }),
    close: async () => {
      closing = true;
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 3000);
      await ended;
      clearTimeout(patience);
    },
  };
}

function settings(directory: string, { port, password }: Endpoint): string {
  const lines = [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${password}`,
    "protected-mode yes",
    `dir ${JSON.stringify(directory)}`,
    "appendonly yes",
    "appendfsync everysec",
    'save ""',
    "maxmemory-policy noeviction",
    "daemonize no",
    'logfile ""',
    // A file cut off by a power failure is read as far as it goes.
    "aof-load-truncated yes",
  ];
  return `${lines.join("\n")}\n`;
}

/** Resolves with null once the server answers, or with the reason why it never will. */
async function ready(url: string, child: ChildProcess): Promise<string | null> {
  const until = performance.now() + START_MS;
  while (performance.now() < until && child.exitCode === null) {
    const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on("error", () => {});
    try {
      await redis.connect();
      await redis.ping();
      return null;
    } catch (error) {
      if (error instanceof Error && /WRONGPASS|NOAUTH/.test(error.message))
        return `its port is in use by another server`;
      await sleep(20);
    } finally {
      redis.disconnect();
    }
  }
  // If it has ended, the exit event tells more than this does.
  if (child.exitCode !== null) await sleep(1000);
  return `no answer within ${START_MS / 1000} s`;
}

/** The last lines that the server wrote, for the message if it dies; reading them also keeps its pipes from filling. */
function keepTail(child: ChildProcess): () => string {
  let tail = "";
  const keep = (chunk: Buffer) => {
    tail = (tail + chunk.toString("utf8")).slice(-2000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return () => {
    const lines = tail.trim().split("\n").slice(-3);
    return lines.length > 0 && lines[0] !== "" ? `Its last words: ${lines.join(" | ")}` : "";
  };
}

/**
 * Redis outlives a parent that was killed with -9. A tiny shell waits for the end of its stdin, which is the end of
 * this process, however it came, and ends the server in order: a second later, so that workers can give back jobs.
 */
function endWithParent(pid: number): ChildProcess | null {
  if (process.platform === "win32") return null;
  const guard = spawn("/bin/sh", ["-c", `cat >/dev/null; sleep 1; kill -TERM ${pid}`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  guard.stdin?.on("error", () => {});
  guard.unref();
  return guard;
}

function endGroup(leader: ChildProcess | null): void {
  if (leader?.pid === undefined) return;
  try {
    process.kill(-leader.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
