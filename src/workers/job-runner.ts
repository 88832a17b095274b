/** One job, from the moment a worker takes it to its last event: claim, train, write down, end. */
import type { Logger } from "pino";
import { z } from "zod";
import type { EventPayload } from "../jobs/events.ts";
import { isFinished, type JobState, jobLinks, type StoredCheckpoint } from "../jobs/job.ts";
import type { Append, JobLog } from "../jobs/job-log.ts";
import type { ObjectStore } from "../jobs/object-store.ts";
import { jobProblems, type Problem } from "../jobs/problem.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import { JobWriter, SupersededError } from "./job-writer.ts";
import { StopSwitch } from "./stop-switch.ts";
import { Control } from "./trainer-messages.ts";
import type { TrainerEnd, TrainerPool, TrainerThread } from "./trainer-pool.ts";

/** Why a running job is to stop. */
export type StopReason = "cancel" | "shutdown" | "lock_lost" | "time_limit";

/** `waits`: the job is to go back to the queue. `over`: the queue may forget it. */
export type RunOutcome = "over" | "waits";

export interface RunnerParts {
  readonly log: JobLog;
  readonly store: ObjectStore;
  /** Where threads find the objects. */
  readonly objects: string;
  readonly pool: TrainerPool;
  readonly worker: string;
  /** So long a trainer may go on after it was asked to stop. */
  readonly stopGraceMs: number;
  readonly logger: Logger;
}

/** A job that has cost so many workers, one after the other without a new checkpoint, is given up. */
const MOST_LOSSES = 5;

export async function runJob(parts: RunnerParts, id: string, signal: AbortSignal): Promise<RunOutcome> {
  const logger = parts.logger.child({ job: id });
  const state = await parts.log.state(id);
  if (!state || isFinished(state.status)) return "over";
  if (state.status === "queued" && state.cancel_requested) {
    await parts.log.append(id, [cancelled(state.progress.epoch)]);
    return "over";
  }
  const thread = await parts.pool.take();
  try {
    return await runOn(thread, parts, state, signal, logger);
  } catch (error) {
    if (!(error instanceof SupersededError)) throw error;
    logger.warn(error.message);
    return "over";
  } finally {
    parts.pool.giveBack(thread);
  }
}

async function runOn(
  thread: TrainerThread,
  parts: RunnerParts,
  state: JobState,
  signal: AbortSignal,
  logger: Logger,
): Promise<RunOutcome> {
  const attempt = state.attempts + 1;
  const device = await thread.device;
  const control = new Control();
  const stop = new StopSwitch(thread, control, parts.stopGraceMs);
  const writer = new JobWriter({ ...parts, control }, state, attempt, (error) => {
    if (!(error instanceof SupersededError)) logger.error({ err: error }, "could not write down the job's progress");
    stop.pull();
  });

  // A broker restored from an older copy may name one that is gone. From the start it comes to the same bits.
  const from =
    state.lastCheckpoint && (await parts.store.exists(state.lastCheckpoint.key)) ? state.lastCheckpoint : null;
  const claim = claimEvent(state, from, attempt, parts.worker, device);
  await writer.append([claim]);
  logger.info({ attempt, device, epoch: writer.epoch }, claim.type);
  if (state.cancel_requested) return end(writer, cancelled(writer.epoch));
  if (lossesOf(state) >= MOST_LOSSES) return end(writer, failed(writer.epoch, tooManyLosses()));

  const spec = CheckedSpec.parse(state.spec);
  const limit = new TimeLimit(spec.max_runtime_s);
  const either = AbortSignal.any([signal, limit.signal]);
  const pull = () => stop.pull();
  either.addEventListener("abort", pull);
  if (either.aborted) pull();
  const order = {
    jobId: state.id,
    spec,
    objects: parts.objects,
    checkpoint: from?.key ?? null,
    control: control.memory,
  };
  const ended = await thread.run(order, (news) => writer.add(news));
  either.removeEventListener("abort", pull);
  stop.release();
  limit.release();

  try {
    await writer.flush();
  } catch (error) {
    if (error instanceof SupersededError) throw error;
    const problem = jobProblems.internal(`Its progress could not be stored: ${text(error)}`);
    // Past the writer, which writes nothing more.
    await parts.log.append(state.id, [failed(writer.epoch, problem)], attempt);
    return "over";
  }
  return finish(writer, state.id, ended, stopReason(either), spec.max_runtime_s, logger);
}

async function finish(
  writer: JobWriter,
  id: string,
  ended: TrainerEnd,
  reason: StopReason | null,
  maxRuntime: number | null | undefined,
  logger: Logger,
): Promise<RunOutcome> {
  if (reason === "lock_lost") throw new SupersededError(`The lock of ${id} is lost: another worker goes on with it.`);
  const stopped = ended.type === "died" ? reason !== null : ended.type === "done" && ended.outcome === "stopped";
  if (stopped && reason === "shutdown") {
    logger.info({ epoch: writer.epoch }, "back to the queue");
    await writer.append([{ type: "queued", data: { reason: "worker_stopped", epoch: writer.epoch } }]);
    return "waits";
  }
  if (stopped && reason === "time_limit") {
    logger.info({ epoch: writer.epoch }, "reached its time limit");
    return end(writer, failed(writer.epoch, jobProblems.timeLimit(maxRuntime ?? 0)));
  }
  if (stopped) {
    logger.info({ epoch: writer.epoch }, "cancelled");
    return end(writer, cancelled(writer.epoch));
  }
  if (ended.type === "done") {
    logger.info({ epoch: writer.epoch }, "completed");
    return end(writer, completed(id, writer));
  }
  const problem = ended.type === "died" ? problemOfDeath(ended.error) : ended.problem;
  logger.warn({ problem, ...(ended.type === "failed" ? { stack: ended.log } : { err: ended.error }) }, "failed");
  return end(writer, failed(writer.epoch, problem));
}

async function end(writer: JobWriter, event: Append): Promise<RunOutcome> {
  await writer.end(event);
  return "over";
}

function claimEvent(
  state: JobState,
  from: StoredCheckpoint | null,
  attempt: number,
  worker: string,
  device: string,
): Append {
  const fields = { worker, device, losses: lossesOf(state) };
  if (state.attempts === 0) {
    return {
      type: "started",
      data: { attempt, worker, device, model_summary: state.model_summary },
      state: { ...fields, started_at: new Date().toISOString() },
    };
  }
  const data: EventPayload<"resumed"> = {
    attempt,
    worker,
    device,
    epoch: from?.epoch ?? 0,
    step: from?.step ?? 0,
    reason: state.status === "running" ? "worker_lost" : "worker_stopped",
  };
  return { type: "resumed", data, state: fields };
}

/** The log keeps the spec as the check at submission completed it. */
const CheckedSpec = z.custom<JobSpec>((value) => typeof value === "object" && value !== null);

/** Fires when an attempt has run for so many seconds; never for null. */
class TimeLimit {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(seconds: number | null | undefined) {
    if (seconds == null) return;
    // A timer can't hold more than 2^31 ms, some 25 days.
    const milliseconds = Math.min(seconds * 1000, 2 ** 31 - 1);
    this.timer = setTimeout(() => this.controller.abort("time_limit" satisfies StopReason), milliseconds);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  release(): void {
    clearTimeout(this.timer);
  }
}

/** The last losses of this job count only if they came one after the other. */
function lossesOf(state: JobState): number {
  return state.status === "running" ? state.losses + 1 : 0;
}

function tooManyLosses(): Problem {
  return jobProblems.workerLost(
    `${MOST_LOSSES} workers died while they trained this job, one after the other, without a checkpoint between them. ` +
      "It may need more memory than they have: try a smaller model or batch_size.",
  );
}

function problemOfDeath(error: Error): Problem {
  if ("code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return jobProblems.outOfMemory(
      "The thread that trained this job ran out of memory. Use less data at once, or a smaller model.",
    );
  }
  return jobProblems.internal(`The thread that trained this job died: ${error.message}`);
}

function stopReason(signal: AbortSignal): StopReason | null {
  if (!signal.aborted) return null;
  const reason: unknown = signal.reason;
  return reason === "cancel" || reason === "shutdown" || reason === "time_limit" ? reason : "lock_lost";
}

const now = () => new Date().toISOString();

function completed(id: string, writer: JobWriter): Append {
  const { loss, val_loss, metrics, val_metrics, nonfinite } = writer.latest ?? { loss: null, metrics: {} };
  const final: EventPayload<"completed">["final"] = {
    epoch: writer.epoch,
    loss,
    metrics,
    ...(val_loss === undefined ? {} : { val_loss }),
    ...(val_metrics === undefined ? {} : { val_metrics }),
    ...(nonfinite === undefined ? {} : { nonfinite }),
  };
  return { type: "completed", data: { best: writer.best, final, links: jobLinks(id) }, state: { finished_at: now() } };
}

function cancelled(epoch: number): Append {
  return { type: "cancelled", data: { epoch, reason: "requested" }, state: { finished_at: now() } };
}

function failed(epoch: number, error: Problem): Append {
  return { type: "failed", data: { epoch, error }, state: { finished_at: now(), error } };
}

const text = (error: unknown) => (error instanceof Error ? error.message : String(error));
