/**
 * When and whom a fault hits is drawn at random. EPOCHD_FAULTS_SEED=N draws the same again (a busy machine still decides what
 * it hits), EPOCHD_FAULTS_REPEAT=N makes each suite cause its faults N times as often.
 */
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Draw } from "../../draw.ts";

export const SEED = Number(env["EPOCHD_FAULTS_SEED"] ?? Date.now() % 1_000_000);
const REPEAT = Number(env["EPOCHD_FAULTS_REPEAT"] ?? 1);

export const rounds = (count: number): number => Math.max(1, Math.round(count * REPEAT));
/** A test's limit in time, for so many rounds. */
export const within = (seconds: number): number => seconds * 1000 * Math.max(1, REPEAT);

export class Chance extends Draw {
  /** `salt`: so that two suites draw differently from one seed. */
  constructor(salt: string) {
    super([...salt].reduce((hash, char) => Math.imul(hash, 31) + char.charCodeAt(0), SEED));
    console.log(`${salt}: EPOCHD_FAULTS_SEED=${SEED}`);
  }

  /** The moment of a fault is what is to be random here. */
  async pause(mostMs: number): Promise<void> {
    await sleep(this.share() * mostMs);
  }
}
