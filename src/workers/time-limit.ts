/** `max_runtime_s`: fires when a job has trained for so long, its earlier attempts included; never without a limit. */
import type { StopReason } from "./job-runner.ts";

export class TimeLimit {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;

  /** `ranMs`: how long earlier attempts have trained. */
  constructor(seconds: number | null | undefined, ranMs: number) {
    if (seconds == null) return;
    // A timer can't hold more than 2^31 ms, some 25 days.
    const left = Math.min(Math.max(0, seconds * 1000 - ranMs), 2 ** 31 - 1);
    this.timer = setTimeout(() => this.controller.abort("time_limit" satisfies StopReason), left);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  release(): void {
    clearTimeout(this.timer);
  }
}
