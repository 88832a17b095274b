/** The files of a job while an attempt trains it: its checkpoints, and what else a prediction or a page needs of it. */
import type { StoredCheckpoint } from "../jobs/job.ts";
import type { ObjectStore } from "../jobs/object-store.ts";

/** A file in pieces; text as UTF-8. */
type Pieces = readonly (string | Uint8Array)[];

export class JobFiles {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #attempt: number;
  /** On their way to the store, by their keys. */
  readonly #storing = new Map<string, Promise<void>>();
  /** Checkpoints of this attempt. */
  #checkpoints = 0;

  constructor(store: ObjectStore, jobId: string, attempt: number) {
    this.#store = store;
    this.#folder = `jobs/${jobId}/checkpoints`;
    this.#attempt = attempt;
  }

  /** Stores what nobody needs before the next checkpoint is told, while other things are written. */
  storeMeanwhile(key: string, pieces: Pieces, stored: () => void = () => {}): void {
    const earlier = this.#storing.get(key) ?? Promise.resolve();
    const now = earlier.then(() => this.#store.put(key, bytesOf(pieces))).then(stored);
    // Told by whoever waits for it.
    now.catch(() => {});
    this.#storing.set(key, now);
  }

  /** Waits for all of it. Throws what went wrong. */
  async settled(): Promise<void> {
    const underway = [...this.#storing.values()];
    this.#storing.clear();
    await Promise.all(underway);
  }

  /** Stores a checkpoint, with all that was to be there before it. */
  async storeCheckpoint(epoch: number, step: number, bytes: Uint8Array): Promise<StoredCheckpoint> {
    const key = `${this.#folder}/${this.#attempt}-${epoch}-${step}.safetensors`;
    const [file] = await Promise.all([this.#store.put(key, bytes), this.settled()]);
    this.#checkpoints++;
    return { key, epoch, step, ...file };
  }

  /** Removes all checkpoints but the newest `keep`, also those of earlier attempts. */
  async removeOld(keep: number): Promise<void> {
    // There was no earlier one, and nothing to look for.
    if (this.#attempt === 1 && this.#checkpoints <= keep) return;
    // Names are <attempt>-<epoch>-<step>: sorted as numbers, the newest is the last.
    const stored = await this.#store.list(this.#folder);
    const byAge = stored.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    await Promise.all(byAge.slice(0, -keep).map((key) => this.#store.remove(key)));
  }
}

async function* bytesOf(pieces: Pieces): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === "string" ? Buffer.from(piece) : piece;
}
