/**
 * Fans the logs of jobs out to every listener of this process over one blocking reader (XREAD BLOCK), so that the
 * broker sees two connections however many clients there are. Nothing here is needed by another process: each has
 * its own hub over the same logs.
 */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { RESTORED_MS } from "../../jobs/recent-writes.ts";
import { Turns } from "../../jobs/turns.ts";
import { Delivered } from "./delivered.ts";
import { type Frame, frameOf, type LogEntry } from "./frame.ts";
import { type Cursor, Listener, type ListenerLimits, type LogReader } from "./listener.ts";
import { OwnResponse, SharedResponse, type Target, type WantedTypes } from "./target.ts";

export interface HubSource {
  /** For short commands; fails at once while the broker is away. */
  commands: Redis;
  /** Used for blocking reads alone; waits while the broker is away. The hub closes it. */
  blocking: Redis;
  /** The Redis Stream that is a job's log; its entry ids are `<seq>-0`. */
  streamOf(jobId: string): string;
  /** A key for this process alone, in the same cluster slot as the streams. */
  wakeKey(process: string): string;
  decode(id: string, fields: readonly string[]): LogEntry;
  /** A page of a job's log. */
  read(jobId: string, after: number, limit: number): Promise<{ entries: LogEntry[]; exists: boolean }>;
}

export interface HubOptions extends Partial<ListenerLimits> {
  /** Longest time that one XREAD waits. */
  blockMs?: number;
}

interface Topic extends Cursor, LogReader {
  readonly stream: string;
  readonly delivered: Delivered;
  /** While it is found out whether the log still holds them, nothing new is delivered. */
  mending: boolean;
  readonly listeners: Set<Listener>;
}

const WAKE_KEY_TTL_S = 3600;
const READS_AT_ONCE = 8;

export class EventHub {
  readonly #source: HubSource;
  readonly #limits: ListenerLimits;
  /** Of those that catch up: what a crowd asks for at once would lie in the broker's memory. */
  readonly #reading = new Turns(READS_AT_ONCE);
  readonly #blockMs: number;
  readonly #topics = new Map<string, Topic>();
  readonly #wakeKey: string;
  readonly #tending: NodeJS.Timeout;
  /** Told for each batch of events: how long after it was computed its first one was on its way to the clients. */
  onDelivery: ((delayMs: number) => void) | null = null;
  #cutOff = 0;
  #closed = false;
  #beginReading: (() => void) | null = null;

  constructor(source: HubSource, options: HubOptions = {}) {
    const { blockMs = 5000, ...limits } = options;
    this.#source = source;
    this.#blockMs = blockMs;
    this.#limits = {
      maxBuffered: 64 * 1024,
      lagTimeoutMs: 30_000,
      heartbeatMs: 15_000,
      catchUpBatch: 256,
      retryMs: 250,
      ...limits,
    };
    this.#wakeKey = source.wakeKey(randomUUID());
    this.#tending = setInterval(() => this.#tend(), Math.min(1000, this.#limits.heartbeatMs));
    this.#tending.unref();
    // Both connections come back on their own; the later of the two finds a broker that answers.
    source.blocking.on("ready", this.#onBrokerBack);
    source.commands.on("ready", this.#onBrokerBack);
    void this.#readForAll();
  }

  get listenerCount(): number {
    return [...this.#topics.values()].reduce((sum, topic) => sum + topic.listeners.size, 0);
  }

  /** Clients that read too slowly for too long, so far. */
  get cutOffCount(): number {
    return this.#cutOff;
  }

  /** Streams a job's events after `after` into a response whose head was sent. Ends it after the terminal event. */
  subscribe(response: ServerResponse, jobId: string, after: number, wanted: WantedTypes = null): void {
    if (this.#isOver(response)) return;
    this.#follow(new OwnResponse(response, wanted), jobId, after);
  }

  /** The same for several jobs over one response, which ends after the terminal event of the last. */
  subscribeAll(response: ServerResponse, jobs: readonly { jobId: string; after: number; finished: boolean }[]): void {
    if (this.#isOver(response)) return;
    const positions = jobs.map(({ after }) => after);
    const shared = new SharedResponse(response, positions);
    jobs.forEach(({ jobId, after, finished }, i) => {
      const target = shared.target(i);
      if (finished) target.end();
      else this.#follow(target, jobId, after);
    });
  }

  /** A client that went away while its job was looked up says so no second time. */
  #isOver(response: ServerResponse): boolean {
    if (this.#closed) response.end();
    return this.#closed || response.destroyed;
  }

  #follow(target: Target, jobId: string, after: number): void {
    const { response } = target;
    const topic = this.#topicOf(jobId);
    const listener = new Listener(target, after, {
      log: topic,
      cursor: topic,
      limits: this.#limits,
      onLive: () => this.#wake(),
    });
    topic.listeners.add(listener);
    response.on("error", () => response.destroy());
    response.on("close", () => {
      topic.listeners.delete(listener);
      if (topic.listeners.size === 0 && this.#topics.get(jobId) === topic) this.#topics.delete(jobId);
    });
    void listener.catchUp();
  }

  /** Ends every stream cleanly and stops reading. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#tending);
    for (const topic of this.#topics.values()) for (const listener of topic.listeners) listener.end();
    this.#topics.clear();
    this.#beginReading?.();
    this.#source.commands.off("ready", this.#onBrokerBack);
    this.#source.blocking.disconnect();
    await this.#source.commands.del(this.#wakeKey).catch(() => {});
  }

  #topicOf(jobId: string): Topic {
    const known = this.#topics.get(jobId);
    if (known) return known;
    const topic: Topic = {
      stream: this.#source.streamOf(jobId),
      seq: null,
      delivered: new Delivered(),
      mending: false,
      listeners: new Set(),
      read: (after, limit) =>
        this.#reading.run(async () => {
          const { entries, exists } = await this.#source.read(jobId, after, limit);
          const frames = entries.map(frameOf);
          topic.delivered.add(frames);
          return { frames, exists };
        }),
    };
    this.#topics.set(jobId, topic);
    return topic;
  }

  /** Runs as long as the hub: one XREAD over every topic that has a live listener. */
  async #readForAll(): Promise<void> {
    let wakeId = "0-0";
    while (!this.#closed) {
      const topics = [...this.#topics.values()].filter(({ seq, mending }) => seq !== null && !mending);
      if (topics.length === 0) {
        await new Promise<void>((resolve) => {
          this.#beginReading = resolve;
        });
        continue;
      }
      try {
        const keys = [this.#wakeKey, ...topics.map((topic) => topic.stream)];
        const ids = [wakeId, ...topics.map((topic) => `${topic.seq}-0`)];
        const found = await this.#source.blocking.xread(
          "COUNT",
          500,
          "BLOCK",
          this.#blockMs,
          "STREAMS",
          ...keys,
          ...ids,
        );
        const byStream = new Map(topics.map((topic) => [topic.stream, topic]));
        for (const [stream, entries] of found ?? []) {
          const topic = byStream.get(stream);
          if (topic?.mending === false) this.#deliver(topic, entries);
          else if (!topic) wakeId = entries.at(-1)?.[0] ?? wakeId;
        }
      } catch {
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, this.#limits.retryMs));
      }
    }
  }

  /** One buffer for each batch, shared by all listeners: one write() per listener, however many events. */
  #deliver(topic: Topic, entries: readonly [id: string, fields: string[]][]): void {
    const frames: Frame[] = entries.map(([id, fields]) => frameOf(this.#source.decode(id, fields)));
    const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
    topic.seq = frames.at(-1)?.seq ?? topic.seq;
    topic.delivered.add(frames);
    for (const listener of topic.listeners) listener.deliver(frames, bytes);
    const computed = frames[0]?.time;
    if (computed !== undefined) this.onDelivery?.(Math.max(0, Date.now() - computed));
  }

  /**
   * Makes the reader look at its topics anew. It may be anywhere between choosing them and blocking in Redis, so it
   * is told through a stream that every XREAD includes: unlike CLIENT UNBLOCK, that can't come too early.
   */
  #wake(): void {
    if (this.#beginReading) {
      this.#beginReading();
      this.#beginReading = null;
      return;
    }
    this.#source.commands
      .multi()
      .xadd(this.#wakeKey, "MAXLEN", 1, "*", "wake", "1")
      .expire(this.#wakeKey, WAKE_KEY_TTL_S)
      .exec()
      // Without the broker the reader is in its retry loop, and will see the new topic by itself.
      .catch(() => {});
  }

  readonly #onBrokerBack = (): void => {
    for (const topic of this.#topics.values()) void this.#mend(topic);
  };

  /**
   * After the broker was away: one without full durability may have lost the end of a log. Those who wrote it write it again,
   * with the same numbers and bytes, so that nobody here notices. If they died, too, the log goes on from where it broke off
   * and gives those numbers out anew: then whoever stands beyond that place gets what follows it.
   */
  async #mend(topic: Topic): Promise<void> {
    if (topic.mending) return;
    topic.mending = true;
    try {
      const known = topic.delivered.end;
      const until = performance.now() + RESTORED_MS;
      // Of the two connections the one that reads for all may be back first: it delivers nothing before this is settled.
      while ((await this.#endOf(topic).catch(() => 0)) < known && performance.now() < until && !this.#closed) {
        await sleep(this.#limits.retryMs);
      }
      const common = await topic.delivered.lastIn((seq) => this.#entry(topic, seq));
      if (common >= known || this.#closed) return;
      if (topic.seq !== null) topic.seq = Math.min(topic.seq, common);
      for (const listener of topic.listeners) listener.goBackTo(common);
    } catch {
      // Away again: the next "ready" comes back here.
    } finally {
      topic.mending = false;
      this.#wake();
    }
  }

  async #endOf({ stream }: Topic): Promise<number> {
    const [last] = await this.#source.commands.xrevrange(stream, "+", "-", "COUNT", 1);
    return last ? Number.parseInt(last[0], 10) : 0;
  }

  async #entry({ stream }: Topic, seq: number): Promise<Frame | null> {
    const [found] = await this.#source.commands.xrange(stream, `${seq}-0`, `${seq}-0`);
    return found ? frameOf(this.#source.decode(...found)) : null;
  }

  #tend(): void {
    const now = performance.now();
    for (const topic of this.#topics.values())
      for (const listener of topic.listeners) this.#cutOff += listener.tend(now) ? 1 : 0;
  }
}
