/**
 * Reads uploads in processes of their own: a large one holds up nobody's answer, and one that was made to harm can take
 * down its own reader at most. A small one is read here, in less time than it takes to tell another process of it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TableStatistics } from "../../data/analyse-table.ts";
import { DataError } from "../../data/data-error.ts";
import { isPacked } from "../../data/formats.ts";
import type { StorePlace } from "../open-object-store.ts";
import { errorOf, type ReadAnswer, type ReadMessage } from "./protocol.ts";
import type { ReadUpload, Upload } from "./read-upload.ts";

const PROGRAM = fileURLToPath(new URL("./reading-process.ts", import.meta.url));
const SMALL_BYTES = 256 * 1024;
/** Uploads that are read at the same time; more of them wait. */
const MOST = 4;
/** Some files that were made to harm, or damaged, would be read for ever. Megabytes take a tenth of this each. */
const PATIENCE = { ms: 300_000, msPerMiB: 1000 };
/** A process that has nothing to do ends after so long. */
const IDLE_MS = 10_000;
/** Rows come and go in the young part of the heap: a small one is as fast, and memory stays small. */
const HEAP = ["--max-semi-space-size=8", "--max-old-space-size=1024"];

const isSmall = ({ files }: Upload): boolean =>
  files.every(({ bytes, mediaType }) => bytes <= SMALL_BYTES && !isPacked(mediaType));

interface Waiting {
  readonly upload: Upload;
  /** When it runs out, nobody waits for it any more. */
  patience?: NodeJS.Timeout;
  resolve(statistics: TableStatistics): void;
  reject(error: Error): void;
}

export class ReadingProcesses {
  readonly #store: StorePlace;
  readonly #readHere: ReadUpload;
  readonly #patience: typeof PATIENCE;
  readonly #waiting: Waiting[] = [];
  readonly #busy = new Map<ChildProcess, Waiting>();
  readonly #idle = new Map<ChildProcess, NodeJS.Timeout>();
  #closed = false;

  /** `patience`: how long one upload may be read, and how much longer for each MiB of it. */
  constructor(store: StorePlace, readHere: ReadUpload, patience = PATIENCE) {
    this.#patience = patience;
    this.#store = store;
    this.#readHere = readHere;
  }

  /** Throws DataError for bytes that are no table, and DataTooLargeError. */
  readonly read = (upload: Upload): Promise<TableStatistics> => {
    if (isSmall(upload)) return this.#readHere(upload);
    if (this.#closed) return Promise.reject(new Error("The readers of uploads were closed."));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ upload, resolve, reject });
      this.#next();
    });
  };

  close(): void {
    this.#closed = true;
    for (const reader of [...this.#busy.keys(), ...this.#idle.keys()]) reader.kill("SIGKILL");
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("The service is closing."));
  }

  #next(): void {
    if (this.#busy.size === MOST) return;
    const task = this.#waiting.shift();
    if (task === undefined) return;
    const reader = this.#take();
    this.#busy.set(reader, task);
    task.patience = setTimeout(() => this.#giveUp(reader, task), this.#patienceFor(task.upload));
    // Told nobody, it ends; then #ended says so.
    reader.send({ store: this.#store, upload: task.upload } satisfies ReadMessage, () => {});
  }

  #take(): ChildProcess {
    for (const [reader, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(reader);
      hold(reader);
      return reader;
    }
    const reader = fork(PROGRAM, {
      execArgv: HEAP,
      serialization: "advanced",
      stdio: ["ignore", "inherit", "ignore", "ipc"],
    });
    reader.on("message", (answer: ReadAnswer) => this.#answered(reader, answer));
    reader.on("error", (error) => this.#ended(reader, error.message));
    reader.on("exit", (code, signal) => this.#ended(reader, signal ?? `status ${code}`));
    return reader;
  }

  #patienceFor({ files }: Upload): number {
    const { ms, msPerMiB } = this.#patience;
    return ms + (files.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20) * msPerMiB;
  }

  #giveUp(reader: ChildProcess, task: Waiting): void {
    this.#busy.delete(reader);
    reader.kill("SIGKILL");
    const seconds = Math.round(this.#patienceFor(task.upload) / 1000);
    task.reject(
      new DataError(
        `The upload could not be read within ${seconds} s. Was it damaged? Write the file anew, or send it in a plainer format, such as CSV.`,
      ),
    );
    this.#next();
  }

  #answered(reader: ChildProcess, answer: ReadAnswer): void {
    const task = this.#busy.get(reader);
    clearTimeout(task?.patience);
    this.#busy.delete(reader);
    release(reader);
    const timer = setTimeout(() => reader.disconnect(), IDLE_MS).unref();
    this.#idle.set(reader, timer);
    if (answer.kind === "read") task?.resolve(answer.statistics);
    else task?.reject(errorOf(answer));
    this.#next();
  }

  #ended(reader: ChildProcess, how: string): void {
    clearTimeout(this.#idle.get(reader));
    this.#idle.delete(reader);
    const task = this.#busy.get(reader);
    if (!this.#busy.delete(reader)) return;
    clearTimeout(task?.patience);
    task?.reject(
      this.#closed
        ? new Error("The service is closing.")
        : new DataError(
            `Reading the upload took more memory than there is for it (its reader ended with ${how}). Smaller values in a row, ` +
              "or smaller row groups of a Parquet file, take less.",
          ),
    );
    this.#next();
  }
}

/** Whether this process goes on for the sake of a reader: only while that one reads. */
function hold(reader: ChildProcess): void {
  reader.ref();
  reader.channel?.ref();
}

function release(reader: ChildProcess): void {
  reader.unref();
  reader.channel?.unref();
}
