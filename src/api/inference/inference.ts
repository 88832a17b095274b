/** Runs trained models in a thread of the API process, so that a large one never holds up other requests. */
import { Worker } from "node:worker_threads";
import type { FileSource, ModelFormatName } from "../../interchange/model-file.ts";
import type { ModelToStore } from "../../jobs/model-store.ts";
import { ProblemError } from "../problems.ts";
import type { ModelParts, PredictTask, Question, Result, ResultMessage, Task, TaskMessage } from "./protocol.ts";

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

export interface Answer {
  /** The body, in the format of the question. */
  readonly bytes: Uint8Array;
  readonly rows: number;
}

const THREAD = new URL("./inference-thread.ts", import.meta.url);

interface Waiting {
  resolve(result: Result): void;
  reject(error: Error): void;
}

export class Inference {
  readonly #cacheBytes: number;
  readonly #waiting = new Map<number, Waiting>();
  /** Models on their way to the thread: whoever needs the same one waits for it instead of loading it, too. */
  readonly #loading = new Map<string, Promise<ModelParts>>();
  /** What is sent to the thread at the end of this turn of the event loop, as one message. */
  #outbox: TaskMessage[] = [];
  #thread: Worker | null = null;
  #lastId = 0;
  #closed = false;

  constructor(options: InferenceOptions = {}) {
    this.#cacheBytes = options.cacheBytes ?? 256 * 2 ** 20;
  }

  /** Throws a ProblemError for rows that don't fit the model. */
  async predict(source: ModelSource, question: Question): Promise<Answer> {
    const task = { kind: "predict", key: source.key, question } as const;
    let result = await this.#run(task);
    while (result.kind === "model needed") result = await this.#withModel(source, task);
    if (result.kind === "answer") return result;
    throw problemOf(result);
  }

  /** One of those who need a model brings it; the others ask again behind it. */
  async #withModel({ key, load }: ModelSource, task: PredictTask): Promise<Result> {
    const loading = this.#loading.get(key);
    if (loading) {
      await loading;
      return this.#run(task);
    }
    const own = load();
    this.#loading.set(key, own);
    try {
      return await this.#run({ ...task, model: await own });
    } finally {
      this.#loading.delete(key);
    }
  }

  /** Reads a file with weights. Throws a ProblemError for one that can't be read. */
  async import(bytes: Uint8Array): Promise<Omit<ModelToStore, "original">> {
    const result = await this.#run({ kind: "import", bytes });
    if (result.kind !== "imported") throw problemOf(result);
    const { kind: _, ...model } = result;
    return model;
  }

  /** A model as a file. Throws a ProblemError where the format can't express it. */
  async export(format: ModelFormatName, source: FileSource): Promise<Uint8Array> {
    const result = await this.#run({ kind: "export", format, source });
    if (result.kind === "file") return result.bytes;
    throw problemOf(result);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread?.terminate();
  }

  #run(task: Task): Promise<Result> {
    if (this.#closed) return Promise.reject(new Error("The inference thread was closed."));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      if (this.#outbox.length === 0) setImmediate(() => this.#send());
      this.#outbox.push({ id, task });
    });
  }

  #send(): void {
    const messages = this.#outbox;
    this.#outbox = [];
    if (this.#closed) this.#lose(new Error("The inference thread was closed."));
    else this.#startedThread().postMessage(messages);
  }

  /** Started by the first task, and again after a crash; it does not keep the process alive. */
  #startedThread(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(THREAD, { workerData: { cacheBytes: this.#cacheBytes }, name: "inference" });
    thread.unref();
    thread.on("message", (results: readonly ResultMessage[]) => {
      for (const { id, result } of results) {
        this.#waiting.get(id)?.resolve(result);
        this.#waiting.delete(id);
      }
    });
    // One 'exit' follows every end, also that by an error, whose reason comes first.
    let reason: Error | null = null;
    thread.on("error", (error) => {
      reason = error instanceof Error ? error : new Error(String(error));
    });
    thread.on("exit", () => {
      this.#thread = null;
      this.#lose(new Error("The inference thread ended.", { cause: reason }));
    });
    this.#thread = thread;
    return thread;
  }

  #lose(error: Error): void {
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(error);
  }
}

function problemOf(result: Result): Error {
  if (result.kind === "refused") return new ProblemError(result.problem, result.detail, { errors: result.errors });
  return new Error(result.kind === "broken" ? result.message : `The inference thread answered "${result.kind}".`);
}
