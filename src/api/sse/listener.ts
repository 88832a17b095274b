/**
 * One client of an event stream. It either catches up from the log, or is live and is handed what the shared reader
 * finds, or lags: its socket holds more than it should, nothing is written until it drains, then it catches up again.
 * Since the events of a job are numbered without gaps, `lastSeq` alone decides what may be written next; that is
 * what makes every event arrive exactly once and in order, however the three modes interleave.
 */
import type { Frame } from "./frame.ts";
import type { Target } from "./target.ts";

/** What a listener reads from when it catches up; `exists` is false once the job and its log were deleted. */
export interface LogReader {
  read(after: number, limit: number): Promise<{ frames: Frame[]; exists: boolean }>;
}

/** Where the shared reader stands in a job's log; null until a listener has caught up and it may start. */
export interface Cursor {
  seq: number | null;
}

export interface ListenerLimits {
  /** Bytes that may wait in the socket before the listener counts as lagging. */
  maxBuffered: number;
  /** How long it may lag before it is cut off. */
  lagTimeoutMs: number;
  heartbeatMs: number;
  /** Events per read when catching up. */
  catchUpBatch: number;
  /** Pause before another try while the broker is away. */
  retryMs: number;
}

/** About so much is read of the log at once. */
const PAGE_BYTES = 256 * 1024;
/** Events of the first page: nobody knows yet how large they are. */
const FIRST_PAGE = 16;

export class Listener {
  readonly #target: Target;
  readonly #log: LogReader;
  readonly #cursor: Cursor;
  readonly #limits: ListenerLimits;
  readonly #onLive: () => void;
  #lastSeq: number;
  #mode: "catching up" | "live" | "lagging" | "ended" = "catching up";
  #lagsSince = 0;
  #batch: number;
  #lastWrite = performance.now();

  constructor(
    target: Target,
    after: number,
    source: { log: LogReader; cursor: Cursor; limits: ListenerLimits; onLive: () => void },
  ) {
    this.#target = target;
    const { response } = target;
    this.#lastSeq = after;
    this.#log = source.log;
    this.#cursor = source.cursor;
    this.#limits = source.limits;
    this.#batch = Math.min(FIRST_PAGE, source.limits.catchUpBatch);
    this.#onLive = source.onLive;
    response.on("drain", () => {
      if (this.#mode === "lagging") void this.catchUp();
    });
    response.on("close", () => {
      this.#mode = "ended";
    });
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Hands over what the shared reader found: consecutive frames, joined once for all listeners in `bytes`. */
  deliver(frames: readonly Frame[], bytes: Buffer): void {
    const first = frames[0];
    if (this.#mode !== "live" || first === undefined) return;
    const fresh = frames.filter((frame) => frame.seq > this.#lastSeq);
    if (fresh[0] === undefined) return;
    if (fresh[0].seq !== this.#lastSeq + 1) void this.catchUp();
    else this.#write(fresh, fresh.length === frames.length ? bytes : undefined);
  }

  /** Reads the log until this listener stands where the shared reader stands, then goes live. */
  async catchUp(): Promise<void> {
    this.#mode = "catching up";
    while (this.#isCatchingUp()) {
      const page = await this.#readOrWait();
      if (page === null || !this.#isCatchingUp()) continue;
      if (page.frames.length > 0) this.#writePage(page.frames);
      else if (!page.exists) this.end();
      if (!this.#isCatchingUp() || page.frames.length === page.asked) continue;
      // The end of the log. No other code runs between this test and "live", so no event can slip in between.
      if (this.#cursor.seq === null) this.#cursor.seq = this.#lastSeq;
      if (this.#lastSeq >= this.#cursor.seq || page.frames.length === 0) {
        this.#mode = "live";
        this.#onLive();
      }
    }
  }

  /** Called now and then: pings a quiet listener, cuts one that has lagged for too long, and says whether it did. */
  tend(now: number): boolean {
    if (this.#mode === "lagging") {
      if (now - this.#lagsSince <= this.#limits.lagTimeoutMs) return false;
      this.#mode = "ended";
      this.#target.response.destroy();
      return true;
    }
    if (this.#mode !== "ended" && now - this.#lastWrite >= this.#limits.heartbeatMs) {
      this.#lastWrite = now;
      this.#target.ping();
    }
    return false;
  }

  end(): void {
    if (this.#mode === "ended") return;
    this.#mode = "ended";
    this.#target.end();
  }

  /** For one that stands beyond the place where the log broke off, and has now taken another course. */
  goBackTo(seq: number): void {
    if (this.#lastSeq <= seq) return;
    this.#lastSeq = seq;
    if (this.#mode === "live") void this.catchUp();
  }

  #isCatchingUp(): boolean {
    return this.#mode === "catching up";
  }

  /** While the broker is away the client stays connected: a refused reconnect would stop an EventSource for good. */
  async #readOrWait(): Promise<{ frames: Frame[]; exists: boolean; asked: number } | null> {
    const asked = this.#batch;
    try {
      return { ...(await this.#log.read(this.#lastSeq, asked)), asked };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, this.#limits.retryMs));
      return null;
    }
  }

  /** Piece by piece, so that a client that does not read holds up one piece and not the page. */
  #writePage(frames: readonly Frame[]): void {
    const { maxBuffered, catchUpBatch } = this.#limits;
    const size = frames.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    // Events can be large, and many clients may catch up at once.
    this.#batch = Math.max(1, Math.min(catchUpBatch, Math.floor((PAGE_BYTES * frames.length) / size)));
    for (let at = 0; at < frames.length && this.#isCatchingUp(); ) {
      let end = at;
      for (let bytes = 0; end < frames.length && (end === at || bytes < maxBuffered); end++) {
        bytes += frames[end]?.bytes.byteLength ?? 0;
      }
      this.#write(frames.slice(at, end));
      at = end;
    }
  }

  #write(frames: readonly Frame[], joined?: Buffer): void {
    const last = frames.at(-1);
    if (last === undefined) return;
    const flushed = this.#target.send(frames, joined);
    this.#lastSeq = last.seq;
    if (flushed !== null) this.#lastWrite = performance.now();
    if (last.terminal) this.end();
    else if (flushed === false && this.#target.response.writableLength > this.#limits.maxBuffered) {
      this.#mode = "lagging";
      this.#lagsSince = this.#lastWrite;
    }
  }
}
