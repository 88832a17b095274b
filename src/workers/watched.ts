/** Lets a trainer work until it is done, or is stopped: by whoever wants that, or because it hangs. */
import { StopSwitch } from "./stop-switch.ts";
import type { Control } from "./trainer-messages.ts";
import type { JobTrainer } from "./trainer-pool.ts";
import { Watchdog } from "./watchdog.ts";

export interface Watch {
  readonly thread: JobTrainer;
  /** Of the order that the thread works on. */
  readonly control: Control;
  readonly stopGraceMs: number;
  readonly stepTimeoutMs: number;
  /** Any of these stops it, and says why. */
  readonly signals: readonly AbortSignal[];
  /** Stops it, too, but is no reason: another may come after it. */
  readonly failure?: AbortSignal;
}

/** However the work ends, nothing is left that could stop the thread's next job. `stopped` aborts with why this one was. */
export async function watched<T>(watch: Watch, work: (stopped: AbortSignal) => Promise<T>): Promise<T> {
  const { thread, control, signals, failure } = watch;
  const stop = new StopSwitch(thread, control, watch.stopGraceMs);
  const watchdog = new Watchdog(control, watch.stepTimeoutMs);
  const stopped = AbortSignal.any([...signals, watchdog.signal]);
  const causes = failure ? [stopped, failure] : [stopped];
  const pull = () => stop.pull();
  for (const cause of causes) cause.addEventListener("abort", pull);
  if (causes.some(({ aborted }) => aborted)) pull();
  try {
    return await work(stopped);
  } finally {
    for (const cause of causes) cause.removeEventListener("abort", pull);
    stop.release();
    watchdog.release();
  }
}
