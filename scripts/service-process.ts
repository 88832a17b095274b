/** The whole service as a child process, for scripts and tests that want to be its client. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface ServiceOptions {
  readonly dataDir: string;
  /** Wanted rather than needed: a port that is taken is replaced by a free one. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What Node is called with; the service alone, if nothing is said. */
  readonly args?: readonly string[];
  /** Gives up the start, and ends what had been started of it. */
  readonly signal?: AbortSignal;
}

export interface ServiceProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** What the service printed so far. */
  output(): string;
  /** Ends it as Ctrl-C would, and waits until it is gone. */
  close(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const START_MS = 30_000;
const STOP_MS = 10_000;

/** Resolves once the service answers that it is ready; throws with what it printed if it ends before that. */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const { dataDir, port, env, args = [MAIN], signal } = options;
  const url = `http://127.0.0.1:${await freePort(port)}`;
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env, HOST: "127.0.0.1", PORT: new URL(url).port, DATA_DIR: dataDir },
    // Over the channel the service hears when this process is gone, even by kill -9, and ends too.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const output = collect(child);
  const close = () => stop(child);
  try {
    await untilReady(url, child, output, signal);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, pid: child.pid ?? -1, output, close, [Symbol.asyncDispose]: close };
}

async function untilReady(url: string, child: ChildProcess, output: () => string, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    if (hasEnded(child)) throw new Error(`The service ended while it was starting. It said:\n${output()}`);
    const ready = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    await sleep(20);
  }
  throw new Error(`The service was not ready after ${START_MS / 1000} s. It said:\n${output()}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
  // Should a process of its own ever outlive it, that one must not keep ours waiting.
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function collect(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-20_000);
    });
  }
  return () => text.trim();
}

async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  }).catch((error: unknown) => {
    if (wanted === 0) throw error;
    return freePort();
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
