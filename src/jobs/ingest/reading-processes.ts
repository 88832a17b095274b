/**
 * Reads uploads in processes of their own: a large one holds up nobody's answer, and one that was made to harm can take
 * down its own reader at most. A small one is read here, in less time than it takes to tell another process of it.
 */
import { DataError } from "../../data/data-error.ts";
import { isPacked } from "../../data/formats.ts";
import type { StorePlace } from "../open-object-store.ts";
import { Turns } from "../turns.ts";
import { errorOf, type ReadAnswer } from "./protocol.ts";
import type { ReadUpload, StoredTable, Upload } from "./read-upload.ts";
import { Reader } from "./reader.ts";

const SMALL_BYTES = 256 * 1024;
/** Uploads that are read at the same time; more of them wait. */
const MOST = 4;

export interface Patience {
  /** How long one upload may be read: some files that were made to harm, or damaged, would be read for ever… */
  readonly ms: number;
  /** …and how much longer for each MiB of it. Megabytes take a tenth of the default. */
  readonly msPerMiB: number;
  /** A process that has nothing to do ends after so long. */
  readonly idleMs: number;
}

const PATIENCE: Patience = { ms: 300_000, msPerMiB: 1000, idleMs: 10_000 };

const isSmall = ({ files }: Upload): boolean =>
  files.every(({ bytes, mediaType }) => bytes <= SMALL_BYTES && !isPacked(mediaType));

export class ReadingProcesses {
  readonly #store: StorePlace;
  readonly #readHere: ReadUpload;
  readonly #patience: Patience;
  readonly #turns = new Turns(MOST);
  readonly #busy = new Set<Reader>();
  /** With the timers that end them. */
  readonly #idle = new Map<Reader, NodeJS.Timeout>();
  #closed = false;

  constructor(store: StorePlace, readHere: ReadUpload, patience = PATIENCE) {
    this.#store = store;
    this.#readHere = readHere;
    this.#patience = patience;
  }

  /** Throws DataError for bytes that are no table, and DataTooLargeError. */
  readonly read = async (upload: Upload): Promise<StoredTable> => {
    if (isSmall(upload)) return this.#readHere(upload);
    const answer = await this.#turns.run(() => this.#readThere(upload));
    if (answer.kind === "read") return answer.table;
    throw errorOf(answer);
  };

  close(): void {
    this.#closed = true;
    for (const reader of [...this.#busy, ...this.#idle.keys()]) reader.end(closing());
  }

  async #readThere(upload: Upload): Promise<ReadAnswer> {
    if (this.#closed) throw closing();
    const reader = this.#take();
    const ms = this.#patienceFor(upload);
    const timer = setTimeout(() => reader.end(tooSlow(ms)), ms);
    this.#busy.add(reader);
    try {
      return await reader.read({ store: this.#store, upload });
    } finally {
      clearTimeout(timer);
      this.#busy.delete(reader);
      if (reader.isUsable) this.#keep(reader);
    }
  }

  #take(): Reader {
    for (const [reader, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(reader);
      if (reader.isUsable) return reader;
    }
    return new Reader();
  }

  #keep(reader: Reader): void {
    const end = () => {
      this.#idle.delete(reader);
      reader.end(new Error("It had nothing to do."));
    };
    this.#idle.set(reader, setTimeout(end, this.#patience.idleMs).unref());
  }

  #patienceFor({ files }: Upload): number {
    const { ms, msPerMiB } = this.#patience;
    return ms + (files.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20) * msPerMiB;
  }
}

const closing = () => new Error("The service is closing.");

const tooSlow = (ms: number): DataError =>
  new DataError(
    `The upload could not be read within ${Math.round(ms / 1000)} s. Was it damaged? Write the file anew, or send it in a plainer format, such as CSV.`,
  );
