/** A PyTorch of this machine, in a process of its own, that repeats a workload when told to. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Repetitions } from "./repetitions.ts";

const SCRIPT = fileURLToPath(new URL("peers/torch_step.py", import.meta.url));

export interface TorchPeer {
  /** `PyTorch 2.13.0, 1 thread` */
  readonly name: string;
  /** Null where this PyTorch can't: it has no such option. */
  measure(workload: string, seconds: number): Promise<Repetitions | null>;
  close(): void;
}

/** Starts `python` with so many threads (0: its own choice). Rejects when it has no PyTorch, saying so. */
export async function startTorchPeer(python: string, threads: number): Promise<TorchPeer> {
  const child = spawn(python, [SCRIPT, String(threads)], { stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Record<string, unknown>> => {
    const line = await Promise.race([lines.next(), failed]);
    if (line.done) throw new Error(`${python} ended without an answer.`);
    return JSON.parse(line.value);
  };
  const hello = await answer();
  if (typeof hello["error"] === "string") throw new Error(hello["error"]);
  return {
    name: `PyTorch ${hello["torch"]}, ${hello["threads"]} ${hello["threads"] === 1 ? "thread" : "threads"}`,
    async measure(workload, seconds) {
      child.stdin.write(`${JSON.stringify({ workload, seconds })}\n`);
      const { count, seconds: took } = await answer();
      return typeof count === "number" && typeof took === "number" ? { count, seconds: took } : null;
    },
    close: () => child.stdin.end(),
  };
}
