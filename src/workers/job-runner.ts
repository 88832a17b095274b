/** One job, from the moment a worker takes it to its last event: claim, train, write down, end. */
import type { Logger } from "pino";
import { z } from "zod";
import { gpuShared } from "../engine/index.ts";
import { newestWhole } from "../jobs/checkpoints.ts";
import { isFinished, type JobState } from "../jobs/job.ts";
import type { Append, JobLog } from "../jobs/job-log.ts";
import { isStoreFull, type ObjectStore } from "../jobs/object-store.ts";
import { jobProblems, type Problem } from "../jobs/problem.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import type { Tracing } from "../tracing/tracing.ts";
import { type ChosenDevice, chooseDevice, cpuInfo, gpuOf, type WorkerDevices } from "./choose-device.ts";
import { JobWriter, SupersededError } from "./job-writer.ts";
import { problemOfDeath } from "./problem-of.ts";
import { TimeLimit } from "./time-limit.ts";
import { RunTrace } from "./trace-run.ts";
import { Control } from "./trainer-messages.ts";
import type { JobTrainer, JobTrainers, TrainerEnd, TrainerNews } from "./trainer-pool.ts";
import { watched } from "./watched.ts";
import { Wishes } from "./wishes.ts";
import {
  cancelled,
  claimed,
  completed,
  deviceLost,
  failed,
  givenBack,
  lossesOf,
  paused,
  pausedAsStoreIsFull,
} from "./worker-events.ts";

/** Why a running job is to stop. */
export type StopReason = "cancel" | "pause" | "shutdown" | "lock_lost" | "time_limit" | "hung";

/** `waits`: the job is to go back to the queue. `elsewhere`: and be left to another worker. `over`: the queue may forget it. */
export type RunOutcome = "over" | "waits" | "elsewhere";

export interface RunnerParts {
  readonly log: JobLog;
  readonly store: ObjectStore;
  readonly pool: JobTrainers;
  /** How many jobs share what trains this one; 1 if nobody says. */
  readonly together?: number;
  readonly worker: string;
  readonly devices: WorkerDevices;
  /** The jobs that train on the GPU now. */
  readonly onGpu: Set<string>;
  /** So long a trainer may go on after it was asked to stop. */
  readonly stopGraceMs: number;
  /** One that has finished no step for so long hangs. */
  readonly stepTimeoutMs: number;
  /** Of the jobs that train now. */
  readonly wishes: Map<string, Wishes>;
  readonly logger: Logger;
  readonly tracing: Tracing;
}

/** A job that has cost so many workers, one after the other without a new checkpoint, is given up. */
const MOST_LOSSES = 5;

export async function runJob(parts: RunnerParts, id: string, signal: AbortSignal): Promise<RunOutcome> {
  const state = await parts.log.state(id);
  const logger = parts.logger.child({ job: id, ...(state?.trace && { trace_id: state.trace.split("-")[1] }) });
  if (!state || isFinished(state.status) || state.status === "paused") return "over";
  if (state.status === "queued" && (state.cancel_requested || state.pause_requested)) {
    const { epoch } = state.progress;
    await parts.log.append(id, [state.cancel_requested ? cancelled(epoch) : paused({ epoch, ranMs: state.ranMs })]);
    return "over";
  }
  const thread = await parts.pool.take();
  const trace = new RunTrace(parts.tracing, state, parts.worker);
  try {
    return await runOn(thread, parts, state, trace, signal, logger);
  } catch (error) {
    trace.end(text(error));
    if (!(error instanceof SupersededError)) throw error;
    logger.warn(error.message);
    return "over";
  } finally {
    trace.end();
    parts.onGpu.delete(id);
    parts.pool.giveBack(thread);
  }
}

async function runOn(
  thread: JobTrainer,
  parts: RunnerParts,
  state: JobState,
  trace: RunTrace,
  signal: AbortSignal,
  logger: Logger,
): Promise<RunOutcome> {
  const attempt = state.attempts + 1;
  const spec = CheckedSpec.parse(state.spec);
  const chosen = await deviceFor(thread, parts, state, spec, signal);
  if (typeof chosen === "string") return chosen;
  const { device } = chosen;
  if (device === "gpu") parts.onGpu.add(state.id);
  const control = new Control();
  const unwritable = new AbortController();
  const writer = new JobWriter({ ...parts, control }, state, attempt, (error) => {
    if (!(error instanceof SupersededError)) logger.error({ err: error }, "could not write down the job's progress");
    unwritable.abort();
  });

  // A broker restored from an older copy may name some that are gone. From the start it comes to the same bits.
  const from = await newestWhole(parts.store, state.checkpoints, (error) =>
    logger.warn({ reason: error.message }, "goes on from an older checkpoint"),
  );
  const claim = claimed(state, from, attempt, parts.worker, chosen);
  await writer.append([claim]);
  // Until the claim an earlier attempt could still write, if there is one.
  const own = attempt === 1 ? state : ((await parts.log.state(state.id)) ?? state);
  writer.goOnFrom(own);
  trace.begin(device, writer);
  logger.info({ attempt, device, epoch: writer.epoch }, claim.type);
  if (state.cancel_requested) return end(writer, cancelled(writer.epoch));
  if (state.pause_requested) return pause(parts.log, writer, state.id);
  if (lossesOf(state) >= MOST_LOSSES) return end(writer, failed(writer.epoch, tooManyLosses(state)));

  const limit = new TimeLimit(spec.max_runtime_s, state.ranMs);
  const wishes = new Wishes(parts.log, own);
  parts.wishes.set(state.id, wishes);
  const order = {
    task: "train" as const,
    device,
    jobId: state.id,
    spec,
    checkpoint: from?.key ?? null,
    hold: own.holdEpoch,
    changed: own.changes,
    plannedChanges: own.plannedChanges,
    wishes: wishes.receiver,
    control: control.memory,
    gpu: gpuShared(),
  };
  const hear = (news: TrainerNews) => {
    trace.hear(news);
    writer.add(news);
  };
  const watch = { ...parts, thread, control, signals: [signal, limit.signal], failure: unwritable.signal };
  const { ended, stopped } = await watched(watch, async (stopped) => {
    await wishes.deliver();
    return { ended: await thread.run(order, hear), stopped };
  }).finally(() => {
    parts.wishes.delete(state.id);
    wishes.close();
    limit.release();
  });
  trace.trained();

  try {
    // One that has lost its lock writes no end, but what it has come to is of use to the next.
    await writer.flush(ended.type === "done" && stopReason(stopped) !== "lock_lost");
  } catch (error) {
    if (error instanceof SupersededError) throw error;
    // Past the writer, which writes nothing more.
    const event = unwritten(error, writer, stopReason(stopped), limits(parts, spec));
    logger.error({ err: error }, event.type);
    await parts.log.append(state.id, [event], attempt);
    return event.type === "queued" ? "waits" : "over";
  }
  return finish(parts.log, writer, state.id, ended, stopReason(stopped), limits(parts, spec), logger);
}

/** Before the claim: what is chosen is part of it, and until then the job is as good in the queue. */
async function deviceFor(
  thread: JobTrainer,
  { devices, stopGraceMs, stepTimeoutMs }: RunnerParts,
  state: JobState,
  spec: JobSpec,
  signal: AbortSignal,
): Promise<ChosenDevice | RunOutcome> {
  const choice = await chooseDevice(spec, state, devices);
  if (choice !== "measure") return choice;
  const control = new Control();
  const order = { task: "measure" as const, jobId: state.id, spec, control: control.memory, gpu: gpuShared() };
  const ended = await watched({ thread, control, stopGraceMs, stepTimeoutMs, signals: [signal] }, () =>
    thread.run(order),
  );
  if (signal.aborted) return stopReason(signal) === "shutdown" ? "waits" : "over";
  const answer = await devices.gpu();
  if (ended.type === "measured" && ended.device === "gpu" && answer.available) return gpuOf(answer, ended.reason);
  const reason = ended.type === "measured" ? ended.reason : "The thread that was to measure both devices died.";
  return { device: "cpu", info: cpuInfo(devices, reason) };
}

/** What a job is told that was ended for one of these. */
type Limits = Readonly<Record<"time_limit" | "hung", Problem>>;

const limits = ({ stepTimeoutMs }: RunnerParts, spec: JobSpec): Limits => ({
  time_limit: jobProblems.timeLimit(spec.max_runtime_s ?? 0),
  hung: jobProblems.hung(stepTimeoutMs / 1000),
});

/** What becomes of a job whose progress could not be stored. It can go on from what was stored before. */
function unwritten(error: unknown, writer: JobWriter, reason: StopReason | null, limits: Limits): Append {
  const { epoch } = writer;
  if (reason === "cancel") return cancelled(epoch);
  if (reason === "time_limit" || reason === "hung") return failed(epoch, limits[reason]);
  if (reason === "shutdown") return givenBack(writer);
  if (!isStoreFull(error))
    return failed(epoch, jobProblems.internal(`Its progress could not be stored: ${text(error)}`));
  return pausedAsStoreIsFull(
    writer,
    jobProblems.storeFull(
      `There was no room for a checkpoint (${text(error)}). What was stored before is kept: make room, then resume the job, and ` +
        "it goes on from there with the same bits.",
    ),
  );
}

async function finish(
  log: JobLog,
  writer: JobWriter,
  id: string,
  ended: TrainerEnd,
  reason: StopReason | null,
  limits: Limits,
  logger: Logger,
): Promise<RunOutcome> {
  if (reason === "lock_lost") throw new SupersededError(`The lock of ${id} is lost: another worker goes on with it.`);
  const died = ended.type === "died" || ended.type === "died_of_batch";
  const stopped = died ? reason !== null : ended.type === "done" && ended.outcome === "stopped";
  // The watchdogs of all of them fire when one hangs.
  if (ended.type === "died_of_batch" && (!stopped || reason === "hung")) {
    logger.warn({ epoch: writer.epoch, err: ended.error }, "its batch's trainer died: back to the queue, by itself");
    await writer.append([givenBack(writer)]);
    return "waits";
  }
  if (stopped && reason === "shutdown") {
    logger.info({ epoch: writer.epoch }, "back to the queue");
    await writer.append([givenBack(writer)]);
    return "waits";
  }
  if (stopped && reason === "pause") {
    logger.info({ epoch: writer.epoch }, "paused");
    return pause(log, writer, id);
  }
  if (stopped && (reason === "time_limit" || reason === "hung")) {
    logger.warn({ epoch: writer.epoch }, limits[reason].title);
    return end(writer, failed(writer.epoch, limits[reason]));
  }
  if (stopped) {
    logger.info({ epoch: writer.epoch }, "cancelled");
    return end(writer, cancelled(writer.epoch));
  }
  if (ended.type === "done" && ended.outcome === "held") {
    logger.info({ epoch: writer.epoch }, "paused at its rung");
    return pause(log, writer, id, "rung");
  }
  if (ended.type === "done") {
    logger.info({ epoch: writer.epoch }, "completed");
    return end(writer, completed(id, writer));
  }
  if (ended.type === "device_lost") {
    logger.warn({ epoch: writer.epoch, reason: ended.detail }, "lost its GPU: back to the queue");
    // Counted anew after each checkpoint.
    await writer.append([deviceLost(writer, ((await log.state(id))?.losses ?? 0) + 1)]);
    return "waits";
  }
  if (ended.type === "measured") throw new Error("The trainer measured a job that it was to train.");
  const problem = died ? problemOfDeath(ended.error) : ended.problem;
  logger.warn({ problem, ...(ended.type === "failed" ? { stack: ended.log } : { err: ended.error }) }, "failed");
  return end(writer, failed(writer.epoch, problem));
}

/** A cancel that came while the job was about to pause has found a worker to ask: this one. */
async function pause(
  log: JobLog,
  writer: JobWriter,
  id: string,
  why: "requested" | "rung" = "requested",
): Promise<RunOutcome> {
  await writer.append([paused(writer, why)]);
  if ((await log.state(id))?.cancel_requested) await log.append(id, [cancelled(writer.epoch)]);
  return "over";
}

async function end(writer: JobWriter, event: Append): Promise<RunOutcome> {
  await writer.end(event);
  return "over";
}

/** The log keeps the spec as the check at submission completed it. */
const CheckedSpec = z.custom<JobSpec>((value) => typeof value === "object" && value !== null);

function tooManyLosses({ queueReason, status }: JobState): Problem {
  if (status === "queued" && queueReason === "device_lost") {
    return jobProblems.deviceLost(
      `Its GPU failed ${MOST_LOSSES} times, one after the other, without a checkpoint between them; the workers' logs say of ` +
        'what. The weights so far are kept. Train it with device "cpu", or see to the GPU\'s driver.',
    );
  }
  return jobProblems.workerLost(
    `${MOST_LOSSES} workers died while they trained this job, one after the other, without a checkpoint between them. ` +
      "It may need more memory than they have: try a smaller model or batch_size.",
  );
}

const STOP_REASONS: readonly StopReason[] = ["cancel", "pause", "shutdown", "time_limit", "hung"];

function stopReason(signal: AbortSignal): StopReason | null {
  if (!signal.aborted) return null;
  const reason: unknown = signal.reason;
  return STOP_REASONS.find((known) => known === reason) ?? "lock_lost";
}

const text = (error: unknown) => (error instanceof Error ? error.message : String(error));
