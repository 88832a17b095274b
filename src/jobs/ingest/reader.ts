/** A process that reads uploads, one at a time, as reading-process.ts does it. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DataError } from "../../data/data-error.ts";
import type { ReadAnswer, ReadMessage } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("./reading-process.ts", import.meta.url));
/** Rows come and go in the young part of the heap: a small one is as fast, and memory stays small. */
const HEAP = ["--max-semi-space-size=8", "--max-old-space-size=1024"];

export class Reader {
  readonly #process: ChildProcess;
  #task: PromiseWithResolvers<ReadAnswer> | null = null;
  #ended = false;

  constructor() {
    this.#process = fork(PROGRAM, {
      execArgv: HEAP,
      serialization: "advanced",
      stdio: ["ignore", "inherit", "ignore", "ipc"],
    });
    // Without a task: late, of one that was given up.
    this.#process.on("message", (answer: ReadAnswer) => this.#task?.resolve(answer));
    this.#process.on("error", (cause) => this.end(new Error(`No process reads uploads: ${cause.message}`, { cause })));
    this.#process.on("exit", (code, signal) =>
      this.end(signal === null ? new Error(`A reader of uploads ended with status ${code}.`) : outOfMemory(signal)),
    );
  }

  /** Whether it can be given an upload. */
  get isUsable(): boolean {
    return !this.#ended && this.#process.connected;
  }

  async read(message: ReadMessage): Promise<ReadAnswer> {
    const task = Promise.withResolvers<ReadAnswer>();
    this.#task = task;
    // This process goes on for the sake of a reader only while that one reads.
    this.#process.ref();
    this.#process.channel?.ref();
    // Told nobody, or never begun, it ends; then that is said.
    if (this.#process.connected) this.#process.send(message, () => {});
    try {
      return await task.promise;
    } finally {
      this.#task = null;
      this.#process.unref();
      this.#process.channel?.unref();
    }
  }

  /** Whatever it does; who waits for it is told why. */
  end(why: Error): void {
    this.#ended = true;
    this.#process.kill("SIGKILL");
    this.#task?.reject(why);
  }
}

const outOfMemory = (signal: string): DataError =>
  new DataError(
    `Reading the upload took more memory than there is for it (its reader ended with ${signal}). Smaller values in a row, ` +
      "or smaller row groups of a Parquet file, take less.",
  );
