/**
 * Tells clients of every job of theirs: first the jobs that there are, then each that changes. A job that changes often is told
 * a few times a second, as it is then, so a client that is slow, or comes back, misses no job and no end of one, only
 * what was overtaken. One blocking reader serves all clients of this process.
 */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { JobChange, JobChanges } from "../../jobs/job-changes.ts";
import type { JobLog } from "../../jobs/job-log.ts";
import type { Owners } from "../../jobs/owners.ts";
import { PING } from "./frame.ts";

export interface JobFeedParts {
  readonly log: JobLog;
  readonly owners: Owners;
  readonly changes: JobChanges;
  /** Used for blocking reads alone; waits while the broker is away. The feed closes it. */
  readonly blocking: Redis;
}

export interface JobFeedOptions {
  /** How long what changes is gathered before it is told. */
  readonly gatherMs?: number;
  /** Longest time that one read waits. */
  readonly blockMs?: number;
  /** Bytes that may wait in a socket before its client is told nothing more until they are gone. */
  readonly maxBuffered?: number;
}

export interface JobFollower {
  /** The API key whose jobs are told; null for all. */
  readonly owner: string | null;
  /** The id of the last event that the client has; null if it has none. */
  readonly after: string | null;
  /** How many jobs are told at the start, the newest ones. */
  readonly newest: number;
}

interface Client extends JobFollower {
  readonly response: ServerResponse;
  /** Jobs of which it must still hear. */
  readonly pending: Set<string>;
  /** While its start is being told, changes only gather. */
  ready: boolean;
  lastWrite: number;
}

const PAGE = 200;
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 250;
const ROOM_MS = 50;

export class JobFeed {
  readonly #parts: JobFeedParts;
  readonly #blockMs: number;
  readonly #maxBuffered: number;
  readonly #telling: NodeJS.Timeout;
  readonly #clients = new Set<Client>();
  /** Up to where the reader has told the clients; null while nobody listens. */
  #position: string | null = null;
  #wake: () => void = () => {};
  #isTelling = false;
  #closed = false;

  constructor(parts: JobFeedParts, { gatherMs = 200, blockMs = 5000, maxBuffered = 256 * 1024 }: JobFeedOptions = {}) {
    this.#parts = parts;
    this.#blockMs = blockMs;
    this.#maxBuffered = maxBuffered;
    this.#telling = setInterval(() => void this.#tell(), gatherMs);
    this.#telling.unref();
    parts.blocking.on("ready", this.#startAnew);
    void this.#readForAll();
  }

  /** Tells a response whose head was sent, until its client goes. */
  follow(response: ServerResponse, { after, ...follower }: JobFollower): void {
    if (this.#closed) response.end();
    if (this.#closed || response.destroyed) return;
    const client = { ...follower, after, response, pending: new Set<string>(), ready: false, lastWrite: 0 };
    this.#clients.add(client);
    response.on("error", () => response.destroy());
    response.on("close", () => this.#clients.delete(client));
    if (this.#position === null) this.#wake();
    else void this.#begin(client, after);
  }

  /** Ends every stream cleanly and stops reading. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#telling);
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
    this.#wake();
    this.#parts.blocking.off("ready", this.#startAnew);
    this.#parts.blocking.disconnect();
  }

  /** As long as the feed: waits for clients, then for changes. */
  async #readForAll(): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.#clients.size === 0) {
          this.#position = null;
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if (this.#position === null) {
          this.#position = await this.#parts.changes.position();
          for (const client of this.#clients) void this.#begin(client, client.after);
        } else await this.#read(this.#position);
      } catch {
        if (!this.#closed) await sleep(RETRY_MS);
      }
    }
  }

  async #read(after: string): Promise<void> {
    for (const change of await this.#parts.changes.next(this.#parts.blocking, after, this.#blockMs)) {
      this.#position = change.position;
      for (const client of this.#clients) note(client, change);
    }
  }

  async #tell(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const listening = [...this.#clients].filter((client) => client.ready && this.#hasRoom(client));
    await this.#tellChanges(listening.filter(({ pending }) => pending.size > 0));
    const now = performance.now();
    for (const client of listening) if (now - client.lastWrite >= HEARTBEAT_MS) write(client, [PING]);
    this.#isTelling = false;
  }

  /** Each job is read once, however many hear of it. */
  async #tellChanges(clients: readonly Client[]): Promise<void> {
    if (clients.length === 0) return;
    const position = this.#position;
    const told = clients.map((client) => ({ client, ids: [...client.pending].slice(0, PAGE) }));
    // Before they are read: what changes meanwhile is to be told again.
    for (const { client, ids } of told) for (const id of ids) client.pending.delete(id);
    try {
      const frames = await this.#framesOf([...new Set(told.flatMap(({ ids }) => ids))]);
      for (const { client, ids } of told) {
        const known = ids.flatMap((id) => frames.get(id) ?? []);
        // Only who has heard all of it may go on from here.
        write(client, client.pending.size === 0 && position !== null ? [...known, at(position)] : known);
      }
    } catch {
      // The broker is away: they are told once it is back.
      for (const { client, ids } of told) for (const id of ids) client.pending.add(id);
    }
  }

  /** What a client has missed since, or all of its jobs if that is not known, or it is new. */
  async #begin(client: Client, after: string | null): Promise<void> {
    client.ready = false;
    const position = this.#position ?? "0-0";
    const missed = after === null ? null : await this.#untilItWorks(client, () => this.#parts.changes.since(after));
    if (missed) for (const change of missed) note(client, change);
    else await this.#tellAll(client, position);
    client.ready = true;
  }

  async #tellAll(client: Client, position: string): Promise<void> {
    write(client, [frame("list", {})]);
    let cursor: string | undefined;
    for (let told = 0; told < client.newest && !this.#isGone(client); told += PAGE) {
      const page = { limit: Math.min(PAGE, client.newest - told), ...(cursor === undefined ? {} : { cursor }) };
      const ids = (await this.#untilItWorks(client, () => this.#idsOf(client, page))) ?? [];
      const frames = await this.#untilItWorks(client, () => this.#framesOf(ids));
      write(client, [...(frames?.values() ?? [])]);
      cursor = ids.at(-1);
      if (ids.length < page.limit) break;
      while (!this.#isGone(client) && !this.#hasRoom(client)) await sleep(ROOM_MS);
    }
    write(client, [frame("listed", {}), at(position)]);
  }

  #idsOf({ owner }: Client, page: { limit: number; cursor?: string }): Promise<string[]> {
    const { log, owners } = this.#parts;
    return owner === null ? log.ids(page) : owners.owned(owner, "job", page);
  }

  async #framesOf(ids: readonly string[]): Promise<Map<string, Buffer>> {
    const summaries = await this.#parts.log.summaries(ids);
    return new Map(
      ids.map((id, i) => {
        const summary = summaries[i];
        return [id, summary ? frame("job", summary) : frame("removed", { id })];
      }),
    );
  }

  /** A broker that was away may be another one, which knows less: everybody is told all that it knows. */
  readonly #startAnew = (): void => {
    for (const client of this.#clients) if (client.ready) void this.#begin(client, null);
  };

  /** Null once the client has gone. */
  async #untilItWorks<T>(client: Client, attempt: () => Promise<T>): Promise<T | null> {
    while (!this.#isGone(client)) {
      try {
        return await attempt();
      } catch {
        await sleep(RETRY_MS);
      }
    }
    return null;
  }

  #isGone({ response }: Client): boolean {
    return this.#closed || response.destroyed;
  }

  #hasRoom({ response }: Client): boolean {
    return response.writableLength <= this.#maxBuffered;
  }
}

function note(client: Client, { jobId, owner }: JobChange): void {
  if (client.owner === null || client.owner === owner) client.pending.add(jobId);
}

function write(client: Client, frames: readonly Buffer[]): void {
  if (frames.length === 0 || client.response.destroyed || client.response.writableEnded) return;
  client.response.write(Buffer.concat(frames));
  client.lastWrite = performance.now();
}

function frame(event: string, data: object): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** An event of its own, so that the id counts only once all before it has arrived. */
function at(position: string): Buffer {
  return Buffer.from(`id: ${position}\nevent: position\ndata: {}\n\n`);
}
