/** The state hash of a job: how its fields are written as strings and read back. */
import { z } from "zod";
import { JobPatch, SpecChange } from "../spec/job-spec.ts";
import { DeviceInfo } from "./device-info.ts";
import { Best, type EventPayload } from "./events.ts";
import { flag, json, jsonOr, orNull } from "./hash-fields.ts";
import {
  Job,
  type JobStanding,
  type JobState,
  type JobSummary,
  Latest,
  Progress,
  StoredCheckpoint,
  Trend,
} from "./job.ts";

/** Hash fields whose value is JSON; the others are plain strings. */
export interface StateFields {
  name?: string;
  metadata?: Record<string, string>;
  created_at?: string;
  started_at?: string;
  finished_at?: string;
  spec?: object;
  model_summary?: object;
  progress?: Progress;
  latest?: object;
  best?: object;
  trend?: Trend;
  device?: string;
  device_info?: object;
  worker?: string;
  /** null takes it back. */
  error?: object | null;
  priority?: number;
  checkpoints?: readonly StoredCheckpoint[];
  losses?: number;
  ran_ms?: number;
  /** `,completed,failed,` */
  webhook_events?: string;
  trace?: string;
  streamed_step?: number;
  probed_epoch?: number;
  changes?: readonly SpecChange[];
  wishes_done?: number;
  planned_changes?: number;
  /** The epoch after which it pauses by itself; 0: none. */
  hold_epoch?: number;
  /** The jobs that are to train together. */
  batch?: readonly string[];
  /** Why the job waits, as its last `queued` event says. */
  queue_reason?: EventPayload<"queued">["reason"];
  /** 0 takes a request back: it has been done. */
  pause_requested?: 0;
}

const Hash = z.object({
  id: z.string(),
  name: orNull(z.string()),
  metadata: json(Job.shape.metadata),
  status: Job.shape.status,
  created_at: z.string(),
  started_at: orNull(z.string()),
  finished_at: orNull(z.string()),
  spec: json(Job.shape.spec),
  model_summary: json(Job.shape.model_summary),
  progress: json(Progress),
  latest: orNull(json(Latest)),
  best: orNull(json(Best)),
  trend: jsonOr('{"every":1,"losses":[]}', Trend),
  device: orNull(z.string()),
  device_info: orNull(json(DeviceInfo)),
  worker: orNull(z.string()),
  attempt: z.coerce.number(),
  cancel_requested: flag,
  pause_requested: flag,
  changes: jsonOr("[]", z.array(SpecChange)),
  wishes: jsonOr("[]", z.array(JobPatch)),
  wishes_done: z.coerce.number().default(0),
  planned_changes: z.coerce.number().default(0),
  streamed_step: z.coerce.number().default(0),
  probed_epoch: z.coerce.number().default(-1),
  ran_ms: z.coerce.number().default(0),
  hold_epoch: z.coerce.number().default(0),
  queue_reason: z.enum(["submitted", "worker_stopped", "requested", "device_lost"]).default("submitted"),
  error: orNull(json(Job.shape.error)),
  priority: z.coerce.number(),
  seq: z.coerce.number(),
  checkpoints: jsonOr("[]", z.array(StoredCheckpoint)),
  losses: z.coerce.number().default(0),
  trace: orNull(z.string()),
  batch: jsonOr("[]", z.array(z.string())),
});

/** The state in a hash as HGETALL gives it; null if there is no such job. */
export function decodeState(hash: Record<string, string>): JobState | null {
  if (hash["id"] === undefined) return null;
  const { attempt, queue_reason, ran_ms, streamed_step, probed_epoch, ...rest } = Hash.parse(hash);
  const { wishes_done, planned_changes, hold_epoch, ...same } = rest;
  return {
    ...same,
    holdEpoch: hold_epoch === 0 ? null : hold_epoch,
    attempts: attempt,
    queueReason: queue_reason,
    ranMs: ran_ms,
    streamedStep: streamed_step,
    probedEpoch: probed_epoch,
    wishesDone: wishes_done,
    plannedChanges: planned_changes,
  };
}

const SummaryHash = Hash.pick({
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
  attempt: true,
  cancel_requested: true,
  pause_requested: true,
  error: true,
  seq: true,
  trend: true,
});

/** What of the hash makes a summary. */
export const SUMMARY_FIELDS = Object.keys(SummaryHash.shape);

/** The summary in the values of SUMMARY_FIELDS; null if there is no such job. */
export function decodeSummary(values: readonly (string | null)[]): JobSummary | null {
  const hash = hashOf(SUMMARY_FIELDS, values);
  if (hash["id"] === undefined) return null;
  const { attempt, ...rest } = SummaryHash.parse(hash);
  return { ...rest, attempts: attempt };
}

const StandingHash = Hash.pick({ status: true, seq: true, error: true });

/** What of the hash says how far a job has come. */
export const STANDING_FIELDS = Object.keys(StandingHash.shape);

/** The same of the values of STANDING_FIELDS; null if there is no such job. */
export function decodeStanding(values: readonly (string | null)[]): JobStanding | null {
  const hash = hashOf(STANDING_FIELDS, values);
  return hash["status"] === undefined ? null : StandingHash.parse(hash);
}

const hashOf = (fields: readonly string[], values: readonly (string | null)[]): Record<string, string> =>
  Object.fromEntries(fields.flatMap((field, i) => (values[i] == null ? [] : [[field, values[i]]])));
