/**
 * When and whom a fault hits is drawn at random. EPOCHD_FAULTS_SEED=N draws the same again (a busy machine still decides what
 * it hits), EPOCHD_FAULTS_REPEAT=N makes each suite cause its faults N times as often.
 */
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

export const SEED = Number(env["EPOCHD_FAULTS_SEED"] ?? Date.now() % 1_000_000);
const REPEAT = Number(env["EPOCHD_FAULTS_REPEAT"] ?? 1);

export const rounds = (count: number): number => Math.max(1, Math.round(count * REPEAT));
/** A test's limit in time, for so many rounds. */
export const within = (seconds: number): number => seconds * 1000 * Math.max(1, REPEAT);

export class Chance {
  private state: number;

  /** `salt`: so that two suites draw differently from one seed. */
  constructor(salt: string) {
    this.state = [...salt].reduce((hash, char) => Math.imul(hash, 31) + char.charCodeAt(0), SEED) | 0;
    console.log(`${salt}: EPOCHD_FAULTS_SEED=${SEED}`);
  }

  /** At least 0 and below 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.between(0, from.length - 1)];
    if (picked === undefined) throw new Error("There is nothing to pick from.");
    return picked;
  }

  /** The moment of a fault is what is to be random here. */
  async pause(mostMs: number): Promise<void> {
    await sleep(this.next() * mostMs);
  }
}
