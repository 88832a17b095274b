/** The service as it runs in earnest, each part a process of its own: a Redis with its append-only file, one API, workers. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { startBroker } from "../../src/broker/start-broker.ts";
import { readConfig } from "../../src/config.ts";
import { type JobParts, openJobs } from "../../src/jobs/open-jobs.ts";
import { START } from "../as-npm-start.ts";

const TICKS_PER_S = 100;

export interface LoadService extends AsyncDisposable {
  readonly url: string;
  readonly redis: Redis;
  /** The jobs as its parts see them, for who plays one of them. Close it. */
  openJobs(): Promise<JobParts>;
  readonly processes: Readonly<Record<"api" | "worker" | "redis", readonly number[]>>;
  post(spec: object): Promise<string>;
  job(id: string): Promise<{ status: string; progress: { epoch: number } }>;
  cancel(id: string): Promise<void>;
}

export async function startLoadService({ workers = 1, concurrency = 1 } = {}): Promise<LoadService> {
  const directory = await mkdtemp(join(tmpdir(), "epochd-load-"));
  const broker = await startBroker(readConfig({ DATA_DIR: directory, BROKER: "server" }));
  const env = {
    REDIS_URL: broker.url,
    DATA_DIR: directory,
    PORT: "0",
    LOG_LEVEL: "warn",
    CONCURRENCY: String(concurrency),
  };
  const api = start(["--api"], env);
  const working = Array.from({ length: workers }, () => start(["--worker"], { ...env, LOG_LEVEL: "info" }));
  const redis = new Redis(broker.url);
  const [[, url = ""]] = await Promise.all([
    api.says(/API on (http:\S+)/),
    ...working.map((worker) => worker.says(/waiting for jobs/)),
  ]);
  const json = async (path: string, init?: RequestInit) => {
    const answer = await fetch(url + path, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return {
    url,
    redis,
    openJobs: () => openJobs(readConfig({ DATA_DIR: directory }), broker.url),
    processes: {
      api: [api.pid],
      worker: working.map(({ pid }) => pid),
      redis: [Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1])],
    },
    post: async (spec) => {
      const headers = { "content-type": "application/json" };
      return (await json("/v1/jobs", { method: "POST", headers, body: JSON.stringify(spec) })).id;
    },
    job: (id) => json(`/v1/jobs/${id}`),
    cancel: async (id) => void (await json(`/v1/jobs/${id}/cancel`, { method: "POST" })),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([api.end(), ...working.map((worker) => worker.end())]);
      redis.disconnect();
      await broker.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function start(args: readonly string[], env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [...START, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-20_000);
      if (/"level":[56]0/.test(chunk)) process.stderr.write(chunk);
    });
  }
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    pid: child.pid ?? -1,
    says: async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = pattern.exec(text);
        if (found) return found;
        if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended while it was starting:\n${text}`);
        await sleep(20);
      }
    },
    end: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Bytes in memory and seconds of computing of a process, as Linux counts them. */
export function usageOf(pids: readonly number[]): { rssMb: number; cpuSeconds: number } {
  let rssMb = 0;
  let cpuSeconds = 0;
  for (const pid of pids) {
    rssMb += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
    // Behind the name, which may hold spaces; then the 12th and 13th field are user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  }
  return { rssMb, cpuSeconds };
}

/** Looks at the service's processes until it is asked what it saw: the most memory of each kind, and how busy each kept a core. */
export function watch(
  { processes }: LoadService,
  more: Readonly<Record<string, readonly number[]>> = {},
): () => string {
  const kinds = Object.entries({ ...processes, ...more }).filter(([, pids]) => pids.length > 0);
  const seen = kinds.map(([kind, pids]) => ({ kind, pids, most: 0, before: usageOf(pids).cpuSeconds }));
  const begun = performance.now();
  const look = () => {
    for (const one of seen) one.most = Math.max(one.most, usageOf(one.pids).rssMb);
  };
  look();
  const timer = setInterval(look, 250);
  return () => {
    look();
    clearInterval(timer);
    const seconds = (performance.now() - begun) / 1000;
    return seen
      .map(({ kind, pids, most, before }) => {
        const busy = (usageOf(pids).cpuSeconds - before) / seconds;
        return `${kind} ${most.toFixed(0)} MB, ${(busy * 100).toFixed(0)} % of a core`;
      })
      .join("; ");
  };
}
