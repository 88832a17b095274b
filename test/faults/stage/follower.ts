/** Follows a job or a sweep as an EventSource does: reconnects with Last-Event-ID to whichever API answers, until it gets a 204. */
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 100;

export class Follower {
  /** The events as they came, byte for byte. */
  text = "";
  /** How often it had to connect. */
  connections = 0;
  /** Resolves once a reconnect was told that nothing follows. */
  readonly over: Promise<void>;
  private lastId = 0;
  private readonly urls: () => readonly string[];
  readonly path: string;
  private readonly abort = new AbortController();

  constructor(urls: () => readonly string[], path: string) {
    this.urls = urls;
    this.path = path;
    this.over = this.run();
    // Whoever waits for it hears of a failure; one that is not waited for must not end the process.
    this.over.catch(() => {});
  }

  stop(): void {
    this.abort.abort();
  }

  private async run(): Promise<void> {
    for (let turn = 0; !this.abort.signal.aborted; turn++) {
      const urls = this.urls();
      if (urls.length > 0 && (await this.connect(urls[turn % urls.length] ?? ""))) return;
      await sleep(PAUSE_MS);
    }
  }

  /** Whether all is told. */
  private async connect(url: string): Promise<boolean> {
    try {
      const response = await fetch(url + this.path, {
        headers: { accept: "text/event-stream", ...(this.lastId > 0 && { "last-event-id": String(this.lastId) }) },
        signal: this.abort.signal,
      });
      if (response.status === 204) return true;
      if (response.status !== 200 || !response.body) {
        await response.body?.cancel();
        return false;
      }
      this.connections++;
      await this.read(response.body);
    } catch (error) {
      // A connection that broke is what all this is about; an event out of order is not.
      if (error instanceof OutOfOrderError) throw error;
    }
    return false;
  }

  private async read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of body) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) if (part.startsWith("id: ")) this.take(`${part}\n\n`);
    }
  }

  private take(event: string): void {
    const id = Number(/^id: (\d+)\n/.exec(event)?.[1]);
    if (id !== this.lastId + 1) throw new OutOfOrderError(`After event ${this.lastId} of ${this.path} came ${event}`);
    this.lastId = id;
    this.text += event;
  }
}

class OutOfOrderError extends Error {
  override readonly name = "OutOfOrderError";
}
