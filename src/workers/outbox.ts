/** What a trainer tells many times a second, gathered: each message wakes the worker's main thread, on whose core it computes. */
import type { MessagePort } from "node:worker_threads";
import type { FrequentNews, TrainerMessage } from "./trainer-messages.ts";

/** Shorter than the writer of the events waits by itself. */
const GATHER_MS = 4;
const MOST_HELD = 100;

export class Outbox {
  readonly #port: MessagePort;
  #held: FrequentNews[] = [];
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Sends at once what comes after a while; of more, whoever computes must ask {@link flushIfDue} now and then. */
  add(news: FrequentNews): void {
    this.#held.push(news);
    if (this.#held.length >= MOST_HELD) this.flush();
    else this.flushIfDue();
  }

  flushIfDue(): void {
    if (this.#held.length > 0 && performance.now() - this.#sentAt >= GATHER_MS) this.flush();
  }

  /** Before anything else is sent, for the order's sake. */
  flush(): void {
    const news = this.#held;
    if (news.length === 0) return;
    this.#held = [];
    this.#port.postMessage({ type: "several", news } satisfies TrainerMessage);
    this.#sentAt = performance.now();
  }
}
