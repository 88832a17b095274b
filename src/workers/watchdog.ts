/** Fires when a trainer shows no sign of life for too long: what never comes to the end of a step can't be asked to stop. */
import type { StopReason } from "./job-runner.ts";
import type { Control } from "./trainer-messages.ts";

/** Looks are counted, not the time between them: a machine that was asleep has not waited. */
const LOOKS = 20;

export class Watchdog {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private beats: number;
  private missed = 0;

  constructor(control: Control, limitMs: number) {
    this.beats = control.beats;
    this.timer = setInterval(() => {
      this.missed = control.beats === this.beats ? this.missed + 1 : 0;
      this.beats = control.beats;
      if (this.missed >= LOOKS) this.controller.abort("hung" satisfies StopReason);
    }, limitMs / LOOKS);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  release(): void {
    clearInterval(this.timer);
  }
}
