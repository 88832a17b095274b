/** The sweep and its trials as the API shows them. */
import { z } from "zod";
import { JobStatus } from "../job.ts";
import { Problem } from "../problem.ts";

export const TRIAL_STATUSES = [
  "queued",
  "running",
  "paused",
  "waiting",
  "completed",
  "stopped",
  "failed",
  "cancelled",
  "invalid",
] as const;

export const Trial = z
  .object({
    number: z.int().describe("0, 1, 2 … in the order in which they were drawn"),
    job_id: z.string().nullable().describe("null for one that could not become a job"),
    status: z
      .enum(TRIAL_STATUSES)
      .describe(
        "that of its job; besides `waiting`: at a rung, others may be better; `stopped`: others were; `invalid`: its spec can't train, see `error`",
      ),
    params: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .describe("what was drawn, by the path in the space; of an object its type, of a list its place in the choice"),
    value: z.number().nullable().describe("the objective at its best epoch so far"),
    best_epoch: z.int().nullable(),
    epoch: z.int().describe("whole epochs trained"),
    epochs: z.int().describe("how many it may train: up to its rung, or all"),
    error: Problem.nullable(),
  })
  .meta({ id: "Trial" });
export type Trial = z.infer<typeof Trial>;

/** A trial as the state keeps it. */
export const TrialRecord = Trial.extend({
  draws: z.record(z.string(), z.number()),
  /** The objective at each rung that it has reached. */
  rung_values: z.array(z.number()),
  /** The rung to which it may train. */
  rung: z.int(),
  /** Of one that is small: the first trial of those that train together with it, perhaps itself. */
  batch: z.int().optional(),
});
export type TrialRecord = z.infer<typeof TrialRecord>;

export const TrialCounts = z
  .object({
    drawn: z.int(),
    queued: z.int(),
    running: z.int(),
    paused: z.int(),
    waiting: z.int(),
    completed: z.int(),
    stopped: z.int(),
    failed: z.int(),
    cancelled: z.int(),
    invalid: z.int(),
  })
  .meta({ id: "TrialCounts", description: "How many trials there are so far, and how many of them in which state." });
export type TrialCounts = z.infer<typeof TrialCounts>;

export const SweepLinks = z
  .object({
    self: z.string(),
    events: z.string(),
    trials: z.string(),
    jobs: z.string().describe("the trials as jobs"),
    model: z.string().describe("the model of the best trial"),
    predict: z.string(),
  })
  .meta({ id: "SweepLinks" });

export const Sweep = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    status: JobStatus.describe("`completed` once every trial has ended; `failed` if none of them has a value"),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime().nullable(),
    spec: z.looseObject({}).describe("the sweep's spec with its defaults; data of more than 4 KiB as their SHA-256"),
    trials: TrialCounts,
    epochs_trained: z.int().describe("of all trials together"),
    best: Trial.nullable(),
    worker: z.string().nullable().describe("that steers the sweep; its trials train on all"),
    cancel_requested: z.boolean(),
    pause_requested: z.boolean(),
    error: Problem.nullable(),
    links: SweepLinks,
  })
  .meta({ id: "Sweep" });
export type Sweep = z.infer<typeof Sweep>;

export const SweepWithLeaderboard = Sweep.extend({
  last_seq: z.int().describe("The number of the last event in here: follow the stream with `?after=` it."),
  leaderboard: z.array(Trial).describe("the best first; those without a value behind them; as many as `?limit=` says"),
}).meta({ id: "SweepWithLeaderboard" });
export type SweepWithLeaderboard = z.infer<typeof SweepWithLeaderboard>;

export function sweepLinks(id: string): z.infer<typeof SweepLinks> {
  const self = `/v1/sweeps/${id}`;
  return {
    self,
    events: `${self}/events`,
    trials: `${self}/trials`,
    jobs: `/v1/jobs?metadata.sweep=${id}`,
    model: `${self}/model`,
    predict: `${self}/predict`,
  };
}

/** Without what only the sweep itself needs. */
export function trialView({ draws: _d, rung_values: _v, rung: _r, batch: _b, ...shown }: TrialRecord): Trial {
  return shown;
}

export function countTrials(trials: Iterable<Pick<Trial, "status">>): TrialCounts {
  const counts: TrialCounts = {
    drawn: 0,
    ...{ queued: 0, running: 0, paused: 0, waiting: 0, completed: 0, stopped: 0, failed: 0, cancelled: 0, invalid: 0 },
  };
  for (const { status } of trials) {
    counts.drawn++;
    counts[status]++;
  }
  return counts;
}

/** As much of a leaderboard as is kept ready. */
export const MOST_RANKED = 1000;

/** The best first; those without a value behind them, by number. */
export function leaderboard<T extends Pick<Trial, "value" | "number">>(trials: readonly T[], mode: "min" | "max"): T[] {
  const sign = mode === "min" ? 1 : -1;
  return trials.toSorted((a, b) => {
    if (a.value === null || b.value === null)
      return Number(a.value === null) - Number(b.value === null) || a.number - b.number;
    return sign * (a.value - b.value) || a.number - b.number;
  });
}
