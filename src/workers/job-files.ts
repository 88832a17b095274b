/** The files of a job while an attempt trains it: its checkpoints, and what its model gives for some rows. */
import type { StoredCheckpoint } from "../jobs/job.ts";
import type { ObjectStore, ObjectToPut } from "../jobs/object-store.ts";
import { predictionsKey } from "../jobs/predictions.ts";

/** What else lies there: weights to start from, and data that came with the spec. */
const CHECKPOINT = /\/\d+-\d+-\d+\.safetensors$/;

export class JobFiles {
  readonly #store: ObjectStore;
  readonly #id: string;
  readonly #attempt: number;
  /** The newest, until they are stored. */
  #predictions: ObjectToPut | null = null;
  /** Of this attempt. */
  #checkpoints = 0;

  constructor(store: ObjectStore, jobId: string, attempt: number) {
    this.#store = store;
    this.#id = jobId;
    this.#attempt = attempt;
  }

  /** JSON in pieces, to be stored with the next checkpoint. */
  addPredictions(pieces: readonly Uint8Array[]): void {
    this.#predictions = { key: predictionsKey(this.#id), content: Buffer.concat(pieces) };
  }

  async storeCheckpoint(epoch: number, step: number, bytes: Uint8Array): Promise<StoredCheckpoint> {
    const key = `jobs/${this.#id}/${this.#attempt}-${epoch}-${step}.safetensors`;
    const [file] = await this.#store.putAll([{ key, content: bytes }, ...this.#takePredictions()]);
    if (!file) throw new Error(`The store says nothing of ${key}.`);
    this.#checkpoints++;
    return { key, epoch, step, ...file };
  }

  /** Stores predictions after which no checkpoint came. */
  async storeRest(): Promise<void> {
    await this.#store.putAll(this.#takePredictions());
  }

  #takePredictions(): readonly ObjectToPut[] {
    const taken = this.#predictions ? [this.#predictions] : [];
    this.#predictions = null;
    return taken;
  }

  /** Removes all checkpoints but the newest `keep`, also those of earlier attempts. */
  async removeOld(keep: number): Promise<void> {
    // There was no earlier one, and nothing to look for.
    if (this.#attempt === 1 && this.#checkpoints <= keep) return;
    // Names are <attempt>-<epoch>-<step>: sorted as numbers, the newest is the last.
    const stored = (await this.#store.list(`jobs/${this.#id}`)).filter((key) => CHECKPOINT.test(key));
    const byAge = stored.sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }));
    await Promise.all(byAge.slice(0, -keep).map((key) => this.#store.remove(key)));
  }
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf("/") + 1);
