/** The events of a sweep's stream: one schema each, as those of a job. */
import { z } from "zod";
import { Problem } from "../problem.ts";
import { SweepLinks, Trial, TrialCounts } from "./sweep.ts";

const payloads = {
  queued: z.object({
    reason: z.enum(["submitted", "worker_stopped", "requested"]).describe("`requested`: after a pause"),
  }),
  started: z.object({ attempt: z.int().min(1), worker: z.string() }),
  resumed: z.object({
    attempt: z.int().min(1),
    worker: z.string(),
    reason: z.enum(["worker_lost", "worker_stopped", "requested"]),
  }),
  trial: z.object({
    trial: Trial.describe("as it is now: it takes the place of what an earlier event said of this number"),
    best: z.int().nullable().describe("the number of the best trial so far"),
    trials: TrialCounts,
  }),
  paused: z.object({ reason: z.enum(["requested"]) }),
  completed: z.object({ best: Trial.nullable(), trials: TrialCounts, epochs_trained: z.int(), links: SweepLinks }),
  failed: z.object({ error: Problem, trials: TrialCounts }),
  cancelled: z.object({ reason: z.string(), trials: TrialCounts }),
} as const;

export type SweepEventType = keyof typeof payloads;
export type SweepEventPayload<T extends SweepEventType> = z.input<(typeof payloads)[T]>;
export type NewSweepEvent = {
  [T in SweepEventType]: { readonly type: T; readonly data: SweepEventPayload<T> };
}[SweepEventType];

const frame = {
  seq: z.int().min(1).describe("1, 2, 3 … without a gap; also the SSE id"),
  sweep_id: z.string(),
  time: z.iso.datetime(),
};
const framed = <T extends SweepEventType>(type: T, description: string) =>
  payloads[type].extend(frame).meta({ id: `Sweep${type[0]?.toUpperCase()}${type.slice(1)}Event`, description });

/** As they are sent: the `data` of a server-sent event, whose `event` is the key here. */
export const sweepEvents = {
  queued: framed("queued", "The sweep waits for a worker that steers it."),
  started: framed("started", "A worker steers the sweep from now on."),
  resumed: framed("resumed", "Another worker steers the sweep from now on."),
  trial: framed(
    "trial",
    "A trial was drawn, or something has changed with it: together these are the live leaderboard.",
  ),
  paused: framed("paused", "No trial trains any more, until the sweep is resumed."),
  completed: framed("completed", "The last event: every trial has ended."),
  failed: framed("failed", "The last event: no trial has come to a value."),
  cancelled: framed("cancelled", "The last event: someone cancelled the sweep, and with it its trials."),
} as const satisfies Record<SweepEventType, z.ZodType>;

export const isSweepEventType = (type: string): type is SweepEventType => Object.hasOwn(payloads, type);
