/** Makes a trainer stop: asks first, and ends the thread of one that does not listen. */
import type { Control } from "./trainer-messages.ts";
import type { JobTrainer } from "./trainer-pool.ts";

/** One that has heard gets time to write its last checkpoint. */
const LAST_CHECKPOINT_MS = 3000;

export class StopSwitch {
  private readonly thread: JobTrainer;
  private readonly control: Control;
  private readonly graceMs: number;
  private timer: NodeJS.Timeout | undefined;
  private released = false;

  /** One that has not heard after `graceMs` is ended. */
  constructor(thread: JobTrainer, control: Control, graceMs: number) {
    this.thread = thread;
    this.control = control;
    this.graceMs = graceMs;
  }

  pull(): void {
    if (this.released || this.timer) return;
    this.control.stop();
    this.timer = setTimeout(() => {
      if (this.control.heard) this.timer = setTimeout(() => this.end(), LAST_CHECKPOINT_MS);
      else this.end();
    }, this.graceMs);
  }

  /** The job is over: its thread belongs to the next one, which this switch must not stop. */
  release(): void {
    this.released = true;
    clearTimeout(this.timer);
  }

  private end(): void {
    void this.thread.terminate();
  }
}
