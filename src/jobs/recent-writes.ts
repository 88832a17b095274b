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

export class RecentWrites {
  private kept: { readonly at: number; readonly redo: () => Promise<unknown> }[] = [];
  private restoring: Promise<void> | null = null;
  private settledAt = 0;

  constructor(redis: Redis) {
    // Handed over once it is connected: each further "ready" comes after the broker was away.
    redis.on("ready", () => {
      this.settledAt = performance.now() + SETTLED_MS;
      void this.restore();
    });
  }

  /** `redo` writes the same again where it is missing, and changes nothing where it is not. It may give LATER. */
  remember(redo: () => Promise<unknown>): void {
    const at = performance.now();
    // While the broker is away nothing is written, so nothing is forgotten either.
    const first = this.kept.findIndex((write) => write.at > at - KEPT_MS);
    if (first !== 0) this.kept.splice(0, first === -1 ? this.kept.length : first);
    this.kept.push({ at, redo });
  }

  /** Writes again whatever the broker lacks. Never throws: what could not be restored is lost. */
  restore(): Promise<void> {
    this.restoring ??= this.redoAll().finally(() => {
      this.restoring = null;
    });
    return this.restoring;
  }

  /** Waits until all processes have restored what they wrote, if the broker has just come back. */
  async settled(): Promise<void> {
    for (let rest = this.rest(); rest > 0; rest = this.rest()) await sleep(rest);
  }

  private rest(): number {
    return this.settledAt - performance.now();
  }

  private async redoAll(): Promise<void> {
    const until = performance.now() + RESTORED_MS;
    let missing = this.kept.map(({ redo }) => redo);
    while (missing.length > 0) {
      // Sent in order over one connection, so done in order.
      const outcomes = await Promise.all(missing.map((redo) => redo().catch(() => LATER)));
      missing = missing.filter((_, i) => outcomes[i] === LATER);
      if (performance.now() > until) return;
      if (missing.length > 0) await sleep(PAUSE_MS);
    }
  }
}
