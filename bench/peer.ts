/** Another library in a process of its own, that repeats a workload when told to. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Repetitions } from "./repetitions.ts";

const folder = fileURLToPath(new URL("peers/", import.meta.url));

export interface Peer {
  readonly library: "PyTorch" | "tfjs-wasm";
  /** `PyTorch 2.13.0, 1 thread` */
  readonly name: string;
  /** Why not, in the library's words, where it can't. */
  measure(workload: string, seconds: number): Promise<Repetitions | { readonly error: string }>;
  close(): void;
}

/** Starts `python` with so many threads (0: its own choice), or on a GPU. Rejects when it has no such PyTorch, saying so. */
export const startTorchPeer = (python: string, threads: number, device: "cpu" | "cuda" = "cpu"): Promise<Peer> =>
  startPeer("PyTorch", python, [`${folder}torch_step.py`, String(threads), device]);

/** Rejects when TensorFlow.js is not installed, saying how to. */
export async function startTfjsPeer(): Promise<Peer> {
  if (!existsSync(`${folder}node_modules/@tensorflow`)) {
    throw new Error("not installed: npm ci --ignore-scripts --prefix bench/peers");
  }
  return startPeer("tfjs-wasm", process.execPath, [`${folder}tfjs-step.mjs`]);
}

async function startPeer(library: Peer["library"], command: string, args: readonly string[]): Promise<Peer> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Record<string, unknown>> => {
    const line = await Promise.race([lines.next(), failed]);
    if (line.done) throw new Error(`${command} ended without an answer.`);
    return JSON.parse(line.value);
  };
  const hello = await answer();
  if (typeof hello["error"] === "string") throw new Error(hello["error"]);
  return {
    library,
    name: `${library} ${hello["version"]}, ${placeOf(hello)}`,
    async measure(workload, seconds) {
      child.stdin.write(`${JSON.stringify({ workload, seconds })}\n`);
      const { count, seconds: took, error } = await answer();
      return typeof count === "number" && typeof took === "number"
        ? { count, seconds: took }
        : { error: String(error) };
    },
    close: () => child.stdin.end(),
  };
}

function placeOf({ threads, device }: Record<string, unknown>): string {
  if (typeof device === "string") return device;
  return `${threads} ${threads === 1 ? "thread" : "threads"}`;
}
