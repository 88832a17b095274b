/** The whole service as processes that can be killed one by one: a Redis, APIs, workers; and jobs that were acknowledged. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, type RunnerTestCase, vi } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { decodeSafetensors, type Safetensors } from "../../../src/engine/safetensors.ts";
import { isFinished, type Job } from "../../../src/jobs/job.ts";
import { type BrokerFixture, startTestBroker } from "../../broker-fixture.ts";
import { slow } from "../../job-fixture.ts";
import { start, type TestProcess } from "../../process-fixture.ts";
import type { Chance } from "./chance.ts";
import { Follower } from "./follower.ts";
import { RedisProcess, redisProgram } from "./redis-process.ts";

export interface Acknowledged {
  readonly id: string;
  readonly spec: object;
}

/** What a spec comes to where nothing happens, by the spec: trained once by each suite. */
const references = new Map<string, Promise<Safetensors["tensors"]>>();

const usual = readConfig({});

/** So that a lost worker is missed soon: the default would make each round of a suite some seconds longer. */
export const QUICK = { LOCK_MS: "2500", STALLED_MS: "700" };
/** As it is unless somebody says otherwise. */
export const UNHURRIED = { LOCK_MS: String(usual.lockMs), STALLED_MS: String(usual.stalledMs) };

/** Long enough to be hit in the midst of it, with all that an interruption could lose: dropout, a new order in each epoch, steps. */
export const lively = {
  ...slow,
  data: { ...slow.data, samples: 1500 },
  epochs: 30,
  stream: { steps: true },
  device: "cpu",
};

/** No call may take longer, whatever is going on. */
const PATIENCE_MS = 30_000;

/** Those that end in order write down what they have compiled, for the next ones. */
const CLOSE_MS = 5000;

export const patience = { timeout: 150_000, interval: 50 };

export class Stage {
  readonly directory: string;
  readonly dataDir: string;
  readonly acknowledged: Acknowledged[] = [];
  readonly followers: Follower[] = [];
  private readonly broker: RedisProcess | BrokerFixture;
  private readonly env: Record<string, string>;
  private readonly started: { readonly what: string; readonly process: TestProcess }[] = [];
  private readonly apis = new Map<string, TestProcess>();
  private readonly workers = new Set<TestProcess>();

  private constructor(directory: string, broker: RedisProcess | BrokerFixture, env: Record<string, string>) {
    this.directory = directory;
    this.dataDir = env["DATA_DIR"] ?? "";
    this.broker = broker;
    this.env = env;
  }

  /**
   * `env` is that of each part; `prepare` sees the directories of Redis and of the data before anything is there. Without
   * a Redis on this machine the embedded broker plays its part.
   */
  static async open(
    env: Record<string, string> = {},
    prepare: (directories: { redis: string; data: string }) => Promise<void> = async () => {},
  ): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), "epochd-stage-"));
    await prepare({ redis: join(directory, "redis"), data: join(directory, "data") });
    const broker = redisProgram ? await RedisProcess.start(join(directory, "redis")) : await startTestBroker();
    return new Stage(directory, broker, {
      REDIS_URL: broker.url,
      DATA_DIR: join(directory, "data"),
      KEY_NAMESPACE: "stage",
      CONCURRENCY: "2",
      ENGINE_THREADS: "1",
      LOG_LEVEL: "info",
      PORT: "0",
      ...env,
    });
  }

  /** Starts an API, and trains `spec` once undisturbed, by a worker that then ends. */
  async rehearse(spec: object): Promise<void> {
    await Promise.all([this.startApi(), this.startWorker()]);
    await this.undisturbed(spec);
    await this.endWorker();
  }

  /** Only where there is one: see `redisProgram`. */
  get redis(): RedisProcess {
    if (this.broker instanceof RedisProcess) return this.broker;
    throw new Error("There is no Redis on this machine.");
  }

  get url(): string {
    const [url] = this.apis.keys();
    if (url === undefined) throw new Error("No API runs.");
    return url;
  }

  private start(what: string, env: Record<string, string>): TestProcess {
    const process = start([what], { ...this.env, ...env });
    this.started.push({ what, process });
    return process;
  }

  /** Gives its address. */
  async startApi(env: Record<string, string> = {}): Promise<string> {
    const process = this.start("--api", env);
    const [, url = ""] = await process.until(/epochd API on (http:\S+)/);
    this.apis.set(url, process);
    return url;
  }

  async killApi(url: string): Promise<void> {
    const process = this.apis.get(url);
    this.apis.delete(url);
    process?.kill("SIGKILL");
    await process?.ended;
  }

  async startWorker(env: Record<string, string> = {}): Promise<TestProcess> {
    const process = this.start("--worker", env);
    this.workers.add(process);
    void process.ended.then(() => this.workers.delete(process));
    await process.until(/waiting for jobs/);
    return process;
  }

  /** The worker that was started first, of those that run. */
  get worker(): TestProcess {
    const [worker] = this.workers;
    if (!worker) throw new Error("No worker runs.");
    return worker;
  }

  isRunning(worker: TestProcess): boolean {
    return this.workers.has(worker);
  }

  async killWorker(worker: TestProcess = this.worker): Promise<void> {
    worker.kill("SIGKILL");
    await worker.ended;
  }

  /** As an orchestrator asks for it. Gives its exit code. */
  async endWorker(worker: TestProcess = this.worker): Promise<number | string> {
    worker.kill("SIGTERM");
    return worker.ended;
  }

  /** The one that trains the job, by its name: host-pid. */
  workerOf({ worker }: Pick<Job, "worker">): TestProcess {
    const found = [...this.workers].find(({ pid }) => worker?.endsWith(`-${pid}`));
    if (!found) throw new Error(`No worker is called ${worker}.`);
    return found;
  }

  /** From its acceptance on the job must not be lost. */
  async post(spec: object): Promise<string> {
    const id = await this.submit("/v1/jobs", spec);
    this.acknowledged.push({ id, spec });
    return id;
  }

  /** Posts as a careful client does, again with the same key until it is accepted. */
  async submit(path: string, spec: object): Promise<string> {
    const key = randomUUID();
    for (;;) {
      const response = await this.ask(path, spec, { "idempotency-key": key }).catch(() => null);
      const body = await response?.json();
      if (response?.status === 202) return body.id;
      if (response && response.status !== 503) throw new Error(`${response.status} ${JSON.stringify(body)}`);
      await sleep(50);
    }
  }

  /** A POST if there is a body. */
  async ask(path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
    const type = { "content-type": "application/json" };
    const init = { method: "POST", headers: { ...type, ...headers }, body: JSON.stringify(body) };
    return fetch(this.url + path, { ...(body && init), signal: AbortSignal.timeout(PATIENCE_MS) });
  }

  async job(id: string): Promise<Job> {
    return (await this.ask(`/v1/jobs/${id}`)).json();
  }

  async untilEpoch(id: string, epoch: number): Promise<void> {
    await vi.waitFor(async () => expect((await this.job(id)).progress.epoch).toBeGreaterThanOrEqual(epoch), patience);
  }

  async untilAttempt(id: string, attempt: number): Promise<void> {
    await vi.waitFor(async () => expect((await this.job(id)).attempts).toBeGreaterThanOrEqual(attempt), patience);
  }

  async untilStatus(id: string, status: Job["status"]): Promise<Job> {
    const job = await vi.waitFor(async () => {
      const job = await this.job(id);
      expect(job.status === status || isFinished(job.status), job.status).toBe(true);
      return job;
    }, patience);
    expect(job.status, JSON.stringify(job.error)).toBe(status);
    return job;
  }

  /** Waits for a random moment in the training of the jobs that were accepted last. */
  async untilSomewhere(chance: Chance, among: readonly string[]): Promise<void> {
    await this.untilEpoch(chance.pick(among), chance.int(0, lively.epochs - 3));
    await chance.pause(50);
  }

  /** Someone who follows a job or a sweep, over whichever API runs. */
  follow(id: string, kind: "jobs" | "sweeps" = "jobs"): Follower {
    const follower = new Follower(() => [...this.apis.keys()], `/v1/${kind}/${id}/events`);
    this.followers.push(follower);
    return follower;
  }

  followersOf(id: string): Follower[] {
    return this.followers.filter(({ path }) => path.includes(id));
  }

  async weights(id: string): Promise<Safetensors["tensors"]> {
    const response = await this.ask(`/v1/jobs/${id}/model?format=safetensors`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(response.status, new TextDecoder().decode(bytes.slice(0, 500))).toBe(200);
    return decodeSafetensors(bytes).tensors;
  }

  /** What a spec comes to where nothing happens: trained before the faults if it is asked for then. */
  undisturbed(spec: object): Promise<Safetensors["tensors"]> {
    // How often it is stored makes no difference to the weights.
    const key = JSON.stringify({ ...spec, checkpoint: null, max_runtime_s: null });
    const known = references.get(key) ?? this.trainUndisturbed(spec);
    references.set(key, known);
    return known;
  }

  private async trainUndisturbed(spec: object): Promise<Safetensors["tensors"]> {
    const id = (await (await this.ask("/v1/jobs", spec)).json()).id;
    await this.untilStatus(id, "completed");
    return this.weights(id);
  }

  /** Ready for the next test: no workers, nothing that was acknowledged, nobody who follows. What a failed one printed is shown. */
  async clear(test?: Readonly<RunnerTestCase>): Promise<void> {
    const printed = this.started.splice(0);
    if (test?.result?.state === "fail") {
      for (const { what, process } of printed) console.log(`${what} ${process.pid} printed:\n${process.output()}`);
    }
    this.started.push(...printed.filter(({ process }) => [...this.apis.values()].includes(process)));
    for (const follower of this.followers.splice(0)) follower.stop();
    const ended = [...this.workers].map((worker) => this.killWorker(worker));
    // Of a test that failed some may be left.
    const left = this.acknowledged.splice(0).map(({ id }) => this.ask(`/v1/jobs/${id}/cancel`, {}).catch(() => null));
    await Promise.all([...ended, ...left]);
  }

  async close(): Promise<void> {
    for (const follower of this.followers) follower.stop();
    const processes = [...this.apis.values(), ...this.workers];
    for (const process of processes) process.kill("SIGTERM");
    const over = Promise.all(processes.map(({ ended }) => ended));
    await Promise.race([over, sleep(CLOSE_MS)]);
    for (const process of processes) process.kill("SIGKILL");
    await over;
    await this.broker.close();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
