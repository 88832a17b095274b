/**
 * What this process has written to the logs of jobs in the last seconds. A broker that lost its end in a crash gets it again:
 * with the same numbers and the same bytes, so that whoever has seen those events can go on as if nothing had happened.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";

/** What comes before it is not there yet, since another process has it. */
export const LATER = Symbol("later");

/**
 * More than a broker can lose: an append-only file that is synced each second lacks at most the last two, and the embedded
 * broker's snapshot is two seconds old.
 */
const KEPT_MS = 5000;
/** So long after its return nobody writes anything new: every process that lives finds it again and restores what it wrote. */
const SETTLED_MS = 3000;
/** One that is slow gets some time more; then what is missing counts as lost. */
export const RESTORED_MS = 15_000;
const PAUSE_MS = 50;

interface Write {
  at: number;
  readonly redo: () => Promise<unknown>;
}

export class RecentWrites {
  private readonly redis: Redis;
  private readonly keptMs: number;
  private readonly restoredMs: number;
  private kept: Write[] = [];
  private forgetting: NodeJS.Timeout | null = null;
  private restoring: Promise<number> | null = null;
  /** Of the connection. Who has just started does not know whether the broker has, too. */
  private readyAt = performance.now();
  private returns = 0;

  constructor(redis: Redis, { keptMs = KEPT_MS, restoredMs = RESTORED_MS } = {}) {
    this.redis = redis;
    this.keptMs = keptMs;
    this.restoredMs = restoredMs;
    // Handed over once it is connected: each further "ready" comes after the broker was away.
    redis.on("ready", () => {
      this.readyAt = performance.now();
      this.returns++;
      void this.restore();
    });
  }

  /** `redo` writes the same again where it is missing, and changes nothing where it is not. It may give LATER. */
  remember(redo: () => Promise<unknown>): void {
    const at = performance.now();
    // While the broker is away nothing is written, so nothing is forgotten either.
    this.forgetUntil(at - this.keptMs);
    this.kept.push({ at, redo });
    this.forgetLater();
  }

  /** Writes again whatever the broker lacks, and tells how many writes it tried. Never throws: what could not be restored is lost. */
  restore(): Promise<number> {
    this.restoring ??= this.redoAll().finally(() => {
      this.restoring = null;
    });
    return this.restoring;
  }

  /** Waits until all processes have restored what they wrote, if the broker has just come back. */
  async settled(): Promise<void> {
    if (this.returns === 0) return;
    for (let rest = this.rest(); rest > 0; rest = this.rest()) await sleep(rest);
  }

  /** Whether someone may be about to restore what the broker lacks. */
  get mayLack(): boolean {
    return this.redis.status !== "ready" || performance.now() < this.readyAt + this.restoredMs;
  }

  private rest(): number {
    return this.readyAt + SETTLED_MS - performance.now();
  }

  /**
   * Also where nothing is written any more: what an idle process wrote may be removed by others, and after hours nobody knows
   * that it was. An answer shows that the broker was not away meanwhile.
   */
  private forgetLater(): void {
    this.forgetting ??= setTimeout(async () => {
      const { returns } = this;
      const at = performance.now();
      const answered = await this.redis.ping().catch(() => null);
      if (answered !== null && returns === this.returns) this.forgetUntil(at - this.keptMs);
      this.forgetting = null;
      if (this.kept.length > 0 && this.redis.status !== "end") this.forgetLater();
    }, this.keptMs).unref();
  }

  private forgetUntil(time: number): void {
    const first = this.kept.findIndex(({ at }) => at > time);
    if (first !== 0) this.kept.splice(0, first === -1 ? this.kept.length : first);
  }

  private async redoAll(): Promise<number> {
    const all = [...this.kept];
    const until = performance.now() + this.restoredMs;
    for (let missing = all; missing.length > 0 && performance.now() < until; ) {
      // Sent in order over one connection, so done in order.
      const outcomes = await Promise.all(missing.map(({ redo }) => redo().catch(() => LATER)));
      const now = performance.now();
      // What is written anew can be lost anew.
      missing.forEach((write, i) => {
        if (outcomes[i] !== LATER) write.at = now;
      });
      missing = missing.filter((_, i) => outcomes[i] === LATER);
      if (missing.length > 0) await sleep(PAUSE_MS);
    }
    return all.length;
  }
}
