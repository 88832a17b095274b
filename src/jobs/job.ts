/** The job as the API shows it, and the state from which it is made. */
import { z } from "zod";
import { type JobPatch, SpecChange } from "../spec/job-spec.ts";
import { DeviceInfo } from "./device-info.ts";
import { Best, type EventPayload, Links } from "./events.ts";
import { ModelSummary } from "./model-summary.ts";
import { Problem } from "./problem.ts";

export const JOB_STATUSES = ["queued", "running", "paused", "completed", "failed", "cancelled"] as const;
export const JobStatus = z.enum(JOB_STATUSES).meta({ id: "JobStatus" });
export type JobStatus = z.infer<typeof JobStatus>;

export const isFinished = (status: JobStatus): boolean =>
  status === "completed" || status === "failed" || status === "cancelled";

const figure = z.number().nullable();
const nonfinite = z.enum(["nan", "inf", "-inf"]).optional();
const figures = z.record(z.string(), figure);

export const Progress = z.object({
  epoch: z.int(),
  epochs: z.int(),
  step: z.int(),
  steps: z.int(),
  samples_per_s: z.number(),
  eta_s: z.number(),
});
export type Progress = z.infer<typeof Progress>;

export const Latest = z.object({
  loss: figure,
  val_loss: figure.optional(),
  lr: z.number(),
  metrics: figures,
  val_metrics: figures.optional(),
  nonfinite,
});
export type Latest = z.infer<typeof Latest>;

/** A checkpoint that the log knows to be whole in the object store. */
export const StoredCheckpoint = z.object({
  key: z.string(),
  epoch: z.int(),
  step: z.int(),
  bytes: z.int(),
  sha256: z.string(),
});
export type StoredCheckpoint = z.infer<typeof StoredCheckpoint>;

export const Job = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    status: JobStatus,
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime().nullable(),
    queue_position: z.int().nullable().describe("1 for the next job that a worker takes; null once one has taken it"),
    spec: z
      .looseObject({})
      .describe(
        "the spec, complete: with every default and every size that follows from the data; data and weights of more than 4 KiB " +
          "that were given in it are shown as their SHA-256 and size",
      ),
    model_summary: ModelSummary,
    progress: Progress,
    latest: Latest.nullable(),
    best: Best.nullable(),
    device: z.string().nullable().describe("`cpu` or `gpu`; null until a worker has taken the job"),
    device_info: DeviceInfo.nullable(),
    worker: z.string().nullable(),
    attempts: z.int().describe("how often a worker has taken the job"),
    cancel_requested: z.boolean(),
    pause_requested: z.boolean(),
    changes: z.array(SpecChange).describe("what was changed while it trained; `changes` of another spec repeats it"),
    error: Problem.nullable().describe("why it failed, or why it was paused unless somebody asked for that"),
    links: Links,
  })
  .meta({ id: "Job" });
export type Job = z.infer<typeof Job>;

/** So many losses of a trend at most. */
export const TREND_LENGTH = 64;

export const Trend = z
  .object({ every: z.int(), losses: z.array(figure) })
  .meta({ id: "Trend", description: `The loss of each \`every\`-th epoch so far, ${TREND_LENGTH} at most.` });
export type Trend = z.infer<typeof Trend>;

export const JobSummary = Job.pick({
  id: true,
  name: true,
  metadata: true,
  status: true,
  created_at: true,
  started_at: true,
  finished_at: true,
  progress: true,
  latest: true,
  best: true,
  device: true,
  worker: true,
  attempts: true,
  cancel_requested: true,
  pause_requested: true,
  error: true,
})
  .extend({ seq: z.int().describe("the number of its last event"), trend: Trend })
  .meta({ id: "JobSummary", description: "What a list shows of a job." });
export type JobSummary = z.infer<typeof JobSummary>;

/** How far a job has come, for who follows many of them. */
export type JobStanding = Pick<JobSummary, "status" | "seq" | "error">;

/** Everything the state hash of a job holds. */
export interface JobState extends Omit<Job, "queue_position" | "links"> {
  readonly trend: Trend;
  readonly priority: number;
  /** Number of the last event. */
  readonly seq: number;
  /** The newest first, as far as they are kept. Each holds the best weights until then, too. */
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Workers that died at this job, one after the other, without a new checkpoint between. */
  readonly losses: number;
  /** All that was asked of its workers, how much of it is done, and how many of its changes stand in its spec. */
  readonly wishes: readonly JobPatch[];
  readonly wishesDone: number;
  readonly plannedChanges: number;
  /** The last step whose loss was streamed. */
  readonly streamedStep: number;
  /** The last epoch whose probe was told; -1 before the first. */
  readonly probedEpoch: number;
  /** How long it has been with workers, as of its last checkpoint or since it left the last one. */
  readonly ranMs: number;
  readonly queueReason: EventPayload<"queued">["reason"];
  /** The traceparent of the request that made it; null where nothing is traced. */
  readonly trace: string | null;
  /** The epoch after which it pauses by itself. */
  readonly holdEpoch: number | null;
  /** The jobs that one worker is to train together, this one among them; empty where it trains by itself. */
  readonly batch: readonly string[];
}

export function jobView(state: JobState, queuePosition: number | null): Job {
  const {
    wishes: _w,
    wishesDone: _d,
    plannedChanges: _c,
    priority: _p,
    seq: _s,
    checkpoints: _l,
    losses: _n,
    queueReason: _q,
    holdEpoch: _h,
    ranMs: _r,
    streamedStep: _t,
    trend: _e,
    probedEpoch: _o,
    trace: _a,
    batch: _b,
    ...shown
  } = state;
  return { ...shown, queue_position: queuePosition, links: jobLinks(state.id) };
}

/** What of a job is known once it is made, and never changes. */
export interface MadeJob extends Pick<Job, "id" | "name" | "metadata" | "created_at" | "spec" | "model_summary"> {
  readonly progress: Pick<Progress, "epochs" | "steps">;
}

/** The job as the first answer to its request showed it, whatever has become of it since. */
export function jobAsCreated(made: MadeJob, queuePosition: number | null): Job {
  const { id, name, metadata, created_at, spec, model_summary, progress } = made;
  return {
    id,
    name,
    metadata,
    status: "queued",
    created_at,
    started_at: null,
    finished_at: null,
    queue_position: queuePosition,
    spec,
    model_summary,
    progress: progressAtFirst(progress),
    latest: null,
    best: null,
    device: null,
    device_info: null,
    worker: null,
    attempts: 0,
    cancel_requested: false,
    pause_requested: false,
    changes: [],
    error: null,
    links: jobLinks(id),
  };
}

/** Of a job that nobody has trained yet. */
export const progressAtFirst = ({ epochs, steps }: Pick<Progress, "epochs" | "steps">): Progress => ({
  epoch: 0,
  epochs,
  step: 0,
  steps,
  samples_per_s: 0,
  eta_s: 0,
});

export function jobLinks(id: string): z.infer<typeof Links> {
  const self = `/v1/jobs/${id}`;
  return {
    self,
    events: `${self}/events`,
    history: `${self}/history`,
    model: `${self}/model`,
    predict: `${self}/predict`,
  };
}
