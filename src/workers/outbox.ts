/** What a trainer thread tells, few posts at a time: each wakes the worker's main thread, on whose core the thread may compute. */
import type { MessagePort, Transferable } from "node:worker_threads";
import type { FrequentNews, OfJob, TrainerMessage, TrainerPost } from "./trainer-messages.ts";

/** Shorter than the writer of the events waits by itself. */
const GATHER_MS = 4;
const MOST_HELD = 100;

export class Outbox {
  readonly #port: MessagePort;
  /** How many jobs tell; each has so much less to tell. */
  jobs = 1;
  #held: (TrainerMessage & OfJob)[] = [];
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Sends at once what comes after a while; of more, whoever computes must ask {@link flushIfDue} now and then. */
  add(news: FrequentNews & OfJob): void {
    this.#held.push(news);
    if (this.#held.length >= MOST_HELD) this.#flush();
    else this.flushIfDue();
  }

  flushIfDue(): void {
    if (this.#held.length > 0 && performance.now() - this.#sentAt >= GATHER_MS * this.jobs) this.#flush();
  }

  /** To go with what is sent next, which is about to come. */
  hold(message: TrainerMessage & OfJob): void {
    this.#held.push(message);
  }

  /** Sends it now, and with it whatever was told earlier. */
  send(message: TrainerMessage & OfJob, transfer: readonly Transferable[] = []): void {
    this.#held.push(message);
    this.#flush(transfer);
  }

  #flush(transfer: readonly Transferable[] = []): void {
    const post: TrainerPost = this.#held;
    this.#held = [];
    this.#port.postMessage(post, transfer);
    this.#sentAt = performance.now();
  }
}

/** What one of the jobs of an order tells. */
export class Teller {
  readonly #outbox: Outbox;
  readonly #of: number;

  constructor(outbox: Outbox, of: number) {
    this.#outbox = outbox;
    this.#of = of;
  }

  add(news: FrequentNews): void {
    this.#outbox.add({ ...news, of: this.#of });
  }

  flushIfDue(): void {
    this.#outbox.flushIfDue();
  }

  /** See {@link Outbox.hold}. */
  hold(message: TrainerMessage): void {
    this.#outbox.hold({ ...message, of: this.#of });
  }

  tell(message: TrainerMessage, transfer?: readonly Transferable[]): void {
    this.#outbox.send({ ...message, of: this.#of }, transfer);
  }
}
