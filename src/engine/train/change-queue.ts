/** Changes to a run under way, each with the step before which it takes effect, so that a run can be repeated. */
import type { EarlyStoppingPlan } from "./plan.ts";

export interface Change {
  /** The base rate; a schedule's rates change in proportion. */
  readonly lr?: number;
  readonly epochs?: number;
  readonly earlyStopping?: EarlyStoppingPlan | null;
}

export interface PlannedChange extends Change {
  /** The updates behind the run when the change takes effect. */
  readonly step: number;
  /** How often the run has gone back until then: it comes to some steps more than once. */
  readonly rollbacks: number;
}

interface Place {
  readonly step: number;
  readonly rollbacks: number;
}

export class ChangeQueue {
  readonly #changes: PlannedChange[];
  readonly #repeated: number;
  /** Those among the first that have taken effect. */
  taken = 0;

  /** The first `repeated` of the changes took effect in an earlier attempt of this run. */
  constructor(changes: readonly PlannedChange[] = [], repeated = 0) {
    this.#changes = [...changes];
    this.#repeated = repeated;
  }

  /** False while a run repeats what it has trained already: a new change would come before those that follow. */
  get isOpen(): boolean {
    return this.taken >= this.#repeated;
  }

  get past(): readonly PlannedChange[] {
    return this.#changes.slice(0, this.taken);
  }

  /** The next change is this one. */
  insert(change: PlannedChange): void {
    this.#changes.splice(this.taken, 0, change);
  }

  /** Takes the next change, if its time has come. */
  take(now: Place): PlannedChange | null {
    const next = this.#changes[this.taken];
    if (!next || this.stepsUntilNext(now) > 0) return null;
    this.taken++;
    return next;
  }

  stepsUntilNext({ step, rollbacks }: Place): number {
    const next = this.#changes[this.taken];
    if (!next || next.rollbacks > rollbacks) return Number.POSITIVE_INFINITY;
    return next.rollbacks < rollbacks ? 0 : Math.max(0, next.step - step);
  }
}
