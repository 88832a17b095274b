/** The last events of a log that were delivered: not kept, but known again should the log have taken another course. */
import { hash } from "node:crypto";
import type { Frame } from "./frame.ts";

/** More than a broker can lose of most jobs. Of a busier one all that was delivered is told again, should it come to that. */
const MOST_REMEMBERED = 128;

export class Delivered {
  /** Oldest first. */
  readonly #events: { readonly seq: number; readonly digest: string }[] = [];

  /** The number of the last one; 0 if there is none. */
  get end(): number {
    return this.#events.at(-1)?.seq ?? 0;
  }

  /** Those that were delivered before are passed over. */
  add(frames: readonly Frame[]): void {
    const { end } = this;
    for (const { seq, bytes } of frames.slice(-MOST_REMEMBERED))
      if (seq > end) this.#events.push({ seq, digest: digestOf(bytes) });
    this.#events.splice(0, this.#events.length - MOST_REMEMBERED);
  }

  /** The last one that stands in the log as it was delivered; 0 if none does. Those after it are forgotten. */
  async lastIn(read: (seq: number) => Promise<Frame | null>): Promise<number> {
    for (let last = this.#events.at(-1); last !== undefined; last = this.#events.at(-1)) {
      const found = await read(last.seq);
      if (found && digestOf(found.bytes) === last.digest) return last.seq;
      this.#events.pop();
    }
    return 0;
  }
}

const digestOf = (bytes: Buffer): string => hash("sha256", bytes, "base64url");
