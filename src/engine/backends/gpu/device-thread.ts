/**
 * The thread in which gpu.js and Dawn live: WebGPU answers by promises, while the engine's thread computes without a
 * pause. It takes orders as they come, and says in shared memory how far it is and what went wrong.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Executor } from "./executor.ts";
import { carryOut } from "./orders.ts";
import { type Opening, Progress, type ThreadMessage } from "./thread-messages.ts";
import { WebasmExecutor } from "./webasm-executor.ts";
import { WebgpuExecutor } from "./webgpu-executor.ts";

const port = parentPort;
if (!port) throw new Error("device-thread.ts runs as a worker thread; thread-line.ts starts it.");

const { mode, webgpu, shared }: Opening = workerData;
const progress = new Progress(shared);

process.on("uncaughtException", (error) => progress.fail(error));

progress.busy = true;
try {
  if (progress.ending) throw new Error("The device was to be closed before it was open.");
  serve(mode === "webgpu" ? await WebgpuExecutor.open(progress, webgpu) : new WebasmExecutor());
} catch (error) {
  progress.fail(error);
  port.postMessage({ type: "unavailable" });
}
progress.busy = false;

/** Returns when it listens; what it serves ends with the message `end`. */
function serve(executor: Executor): void {
  let last = Promise.resolve();
  /** Messages that have come and are not done with. */
  let left = 0;
  port?.on("message", (message: ThreadMessage) => {
    left++;
    progress.busy = true;
    last = last.then(() => obey(message)).catch((error: unknown) => progress.fail(error));
    void last.then(rest);
  });
  port?.postMessage({ type: "ready", facts: executor.facts });

  async function rest(): Promise<void> {
    if (--left > 0) return;
    // More may come while the GPU is at work, and must not wait for it.
    await executor.settled();
    if (left === 0) progress.busy = false;
  }

  async function obey(message: ThreadMessage): Promise<void> {
    if (message.type === "end") {
      await executor.dispose();
      port?.close();
      return;
    }
    // After a failure nothing is as the orders expect; whoever gives them hears of it at the next one.
    if (progress.failed) return;
    await carryOut(message.orders, executor);
    if (left === 1) await executor.flush();
    progress.done(message.number);
  }
}
