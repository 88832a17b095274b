/** How many trials of a sweep may be under way: a place for each, or for as many small ones as train together. */
import type { TrialRecord } from "../../jobs/sweeps/sweep.ts";
import type { SweepSpec } from "../../sweeps/sweep-spec.ts";
import { batchSize } from "./batches.ts";

type Search = Pick<SweepSpec, "strategy" | "asha" | "parallel">;

/** Whether the search learns nothing from its trials: it makes no difference when one is drawn. */
export const isBlind = ({ strategy, asha }: Search): boolean => strategy.type !== "tpe" && asha === null;

export class Room {
  /** So many small trials train together. */
  readonly together: number;
  private readonly places: number;
  private readonly parallel: number;
  private small = 0;
  private large = 0;

  /** The blind may let the next ones wait already; who learns from each trial draws as late as possible. */
  constructor(search: Search, slots: number, trials: readonly TrialRecord[]) {
    const blind = isBlind(search);
    this.parallel = search.parallel;
    this.together = blind ? batchSize(search.parallel, slots) : 1;
    this.places = blind ? 2 * slots : slots;
    for (const { status, batch } of trials)
      if (status === "queued" || status === "running") this.add(batch !== undefined);
  }

  add(isSmall: boolean): void {
    if (isSmall) this.small++;
    else this.large++;
  }

  /** For one more, and for all that would train together with it. */
  get forMore(): boolean {
    const { small, large, together } = this;
    if (small + large === 0) return true;
    return this.taken + 1 <= this.places && small + large + together <= this.parallel;
  }

  /** For one more. */
  get forOne(): boolean {
    return this.taken < this.places && this.small + this.large < this.parallel;
  }

  private get taken(): number {
    return this.large + this.small / this.together;
  }
}
