/** What a worker says about a job in its own name: taken, given back, paused, ended. The trainer tells the rest. */

import type { EventPayload } from "../jobs/events.ts";
import { type JobState, jobLinks, type StoredCheckpoint } from "../jobs/job.ts";
import type { Append } from "../jobs/job-log.ts";
import type { Problem } from "../jobs/problem.ts";
import type { ChosenDevice } from "./choose-device.ts";
import type { JobWriter } from "./job-writer.ts";

/** `started` for the first attempt, `resumed` for each after it. */
export function claimed(
  state: JobState,
  from: StoredCheckpoint | null,
  attempt: number,
  worker: string,
  { device, info }: ChosenDevice,
): Append {
  const on = { worker, device, device_info: info };
  const fields = { ...on, losses: lossesOf(state) };
  if (state.attempts === 0) {
    return {
      type: "started",
      data: { attempt, ...on, model_summary: state.model_summary },
      state: { ...fields, started_at: now() },
    };
  }
  const data: EventPayload<"resumed"> = {
    attempt,
    ...on,
    epoch: from?.epoch ?? 0,
    step: from?.step ?? 0,
    reason: whyResumed(state),
  };
  return { type: "resumed", data, state: fields };
}

function whyResumed({ status, queueReason }: JobState): EventPayload<"resumed">["reason"] {
  if (status === "running") return "worker_lost";
  return queueReason === "submitted" ? "worker_stopped" : queueReason;
}

/** Workers that died at this job, and GPUs that failed; they count only if they came one after the other. */
export function lossesOf(state: JobState): number {
  if (state.status === "running") return state.losses + 1;
  return state.queueReason === "device_lost" ? state.losses : 0;
}

type Standing = Pick<JobWriter, "epoch" | "ranMs">;

export function givenBack({ epoch, ranMs }: Standing): Append {
  const reason = "worker_stopped";
  return { type: "queued", data: { reason, epoch }, state: { queue_reason: reason, ran_ms: ranMs } };
}

/** `losses`: with this one. */
export function deviceLost({ epoch, ranMs }: Standing, losses: number): Append {
  const reason = "device_lost";
  return { type: "queued", data: { reason, epoch }, state: { queue_reason: reason, ran_ms: ranMs, losses } };
}

export function paused({ epoch, ranMs }: Standing, reason: EventPayload<"paused">["reason"] = "requested"): Append {
  return { type: "paused", data: { epoch, reason }, state: { pause_requested: 0, ran_ms: ranMs } };
}

/** `error` is gone again once somebody resumes it. */
export function pausedAsStoreIsFull({ epoch, ranMs }: Standing, error: Problem): Append {
  return { type: "paused", data: { epoch, reason: "store_full" }, state: { pause_requested: 0, ran_ms: ranMs, error } };
}

export function completed(id: string, { epoch, latest, best }: JobWriter): Append {
  const { loss, val_loss, metrics, val_metrics, nonfinite } = latest ?? { loss: null, metrics: {} };
  const final: EventPayload<"completed">["final"] = {
    epoch,
    loss,
    metrics,
    ...(val_loss === undefined ? {} : { val_loss }),
    ...(val_metrics === undefined ? {} : { val_metrics }),
    ...(nonfinite === undefined ? {} : { nonfinite }),
  };
  return { type: "completed", data: { best, final, links: jobLinks(id) }, state: { finished_at: now() } };
}

export function cancelled(epoch: number): Append {
  return { type: "cancelled", data: { epoch, reason: "requested" }, state: { finished_at: now() } };
}

export function failed(epoch: number, error: Problem): Append {
  return { type: "failed", data: { epoch, error }, state: { finished_at: now(), error } };
}

const now = () => new Date().toISOString();
