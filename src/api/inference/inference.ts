/** Runs trained models in a thread of the API process, so that a large one never holds up other requests. */
import { Worker } from "node:worker_threads";
import { ProblemError } from "../problems.ts";
import type {
  ModelFacts,
  ModelParts,
  RawPrediction,
  Result,
  ResultMessage,
  Task,
  TaskMessage,
  Which,
} from "./protocol.ts";

export interface InferenceOptions {
  /** How many bytes of models the thread keeps ready. */
  cacheBytes?: number;
}

/** A model as the caller knows it; `load` is called only when the thread does not have it. */
export interface ModelSource {
  /** Names these very weights: a checkpoint's key, which never holds other bytes. */
  readonly key: string;
  load(): Promise<ModelParts>;
}

const THREAD = new URL("./inference-thread.ts", import.meta.url);

export class Inference {
  readonly #cacheBytes: number;
  readonly #waiting = new Map<number, { resolve(result: Result): void; reject(error: Error): void }>();
  #thread: Worker | null = null;
  #lastId = 0;
  #closed = false;

  constructor(options: InferenceOptions = {}) {
    this.#cacheBytes = options.cacheBytes ?? 256 * 2 ** 20;
  }

  /** Throws a ProblemError for rows that don't fit the model. */
  async predict(source: ModelSource, rows: readonly unknown[]): Promise<RawPrediction> {
    const task = { kind: "predict", key: source.key, rows } as const;
    let result = await this.#run(task);
    if (result.kind === "model needed") result = await this.#run({ ...task, model: await source.load() });
    if (result.kind === "prediction") return result.prediction;
    throw problemOf(result);
  }

  /** The weights of a checkpoint as a file. */
  async export(
    format: "safetensors" | "json",
    checkpoint: Uint8Array,
    which: Which,
    about: ModelFacts,
  ): Promise<Uint8Array> {
    const result = await this.#run({ kind: "export", format, checkpoint, which, about });
    if (result.kind === "file") return result.bytes;
    throw problemOf(result);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread?.terminate();
  }

  #run(task: Task): Promise<Result> {
    if (this.#closed) return Promise.reject(new Error("The inference thread was closed."));
    const thread = this.#startedThread();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      thread.postMessage({ id, task } satisfies TaskMessage);
    });
  }

  /** Started by the first task, and again after a crash; it does not keep the process alive. */
  #startedThread(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(THREAD, { workerData: { cacheBytes: this.#cacheBytes }, name: "inference" });
    thread.unref();
    thread.on("message", ({ id, result }: ResultMessage) => {
      this.#waiting.get(id)?.resolve(result);
      this.#waiting.delete(id);
    });
    // One 'exit' follows every end, also that by an error, whose reason comes first.
    let reason: Error | null = null;
    thread.on("error", (error) => {
      reason = error instanceof Error ? error : new Error(String(error));
    });
    thread.on("exit", () => {
      this.#thread = null;
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of lost) reject(new Error("The inference thread ended.", { cause: reason }));
    });
    this.#thread = thread;
    return thread;
  }
}

function problemOf(result: Result): Error {
  if (result.kind === "mistake")
    return new ProblemError("invalid-inputs", `${result.path}: ${result.message}`, {
      errors: [{ path: result.path, message: result.message }],
    });
  return new Error(result.kind === "broken" ? result.message : `The inference thread answered "${result.kind}".`);
}
