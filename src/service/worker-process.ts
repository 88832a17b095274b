/** The worker as a child process: a crash of it leaves the API at work, and it is started again. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** One that has worked so long has died of something new. */
const STABLE_MS = 30_000;
/** The process has its own limit for an end in order; this one is for a process that can't keep it. */
const KILL_MS = 4000;

export class WorkerProcess {
  private readonly url: string;
  private readonly logger: Logger;
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private pause: NodeJS.Timeout | undefined;
  private pauseMs = FIRST_PAUSE_MS;
  private closing = false;

  constructor(brokerUrl: string, logger: Logger) {
    this.url = brokerUrl;
    this.logger = logger;
  }

  start(): void {
    const since = performance.now();
    const child = fork(MAIN, ["--worker"], {
      env: { ...process.env, REDIS_URL: this.url },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // What keeps an API small would have a worker collect garbage all the time.
      execArgv: process.execArgv.filter((flag) => !flag.startsWith("--max-semi-space-size")),
      // In a process group of its own: Ctrl-C in a terminal is for the service, which ends its parts in order.
      detached: true,
    });
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => this.logger.error({ err: error }, "the worker can't be started"));
      child.once("exit", (code, signal) => {
        resolve();
        if (this.closing) return;
        if (performance.now() - since > STABLE_MS) this.pauseMs = FIRST_PAUSE_MS;
        this.logger.error({ code, signal, again_in_ms: this.pauseMs }, "the worker died; it is started again");
        this.pause = setTimeout(() => this.start(), this.pauseMs);
        this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
      });
    });
  }

  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.pause);
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), KILL_MS);
    await this.ended;
    clearTimeout(late);
  }
}
