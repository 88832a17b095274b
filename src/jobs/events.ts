/** The events of a job's stream: one schema each, from which type, OpenAPI, SSE and dashboard follow. */
import { z } from "zod";
import { SpecChange } from "../spec/job-spec.ts";
import { ProbedGrid } from "../spec/probe-spec.ts";
import { DeviceInfo } from "./device-info.ts";
import { ModelSummary } from "./model-summary.ts";
import { Problem } from "./problem.ts";

/** A number that may not be finite: JSON has no word for those, so they are null beside `nonfinite`. */
const figure = z.number().nullable();
const nonfinite = z
  .enum(["nan", "inf", "-inf"])
  .optional()
  .describe("which number stands where this object has a null instead of one");
const figures = z.record(z.string(), figure);
const tables = z
  .record(z.string(), z.array(z.array(z.number())))
  .describe(
    "metrics that are tables: `confusion_matrix`, a row for each class and in it a count for each that was predicted",
  );
const epoch = z.int().min(0);
const step = z.int().min(0);
const device = z.string().describe("`cpu` or `gpu`");

export const Best = z
  .object({ epoch, metric: z.string(), value: figure, nonfinite })
  .meta({ id: "Best", description: "The best epoch so far and the figure that makes it so." });

export const Links = z
  .object({ self: z.string(), events: z.string(), history: z.string(), model: z.string(), predict: z.string() })
  .meta({ id: "JobLinks" });

const payloads = {
  queued: z.object({
    reason: z
      .enum(["submitted", "worker_stopped", "requested", "device_lost"])
      .describe("why the job waits; `requested`: after a pause; `device_lost`: its GPU failed or is gone"),
    epoch: epoch.describe("whole epochs trained so far"),
  }),
  started: z.object({
    attempt: z.int().min(1),
    worker: z.string(),
    device,
    device_info: DeviceInfo,
    model_summary: ModelSummary,
  }),
  resumed: z.object({
    attempt: z.int().min(1),
    worker: z.string(),
    device,
    device_info: DeviceInfo,
    epoch: epoch.describe("the whole epochs in the checkpoint it goes on from"),
    step: step.describe("the steps in that checkpoint"),
    reason: z
      .enum(["worker_lost", "worker_stopped", "requested", "device_lost"])
      .describe("`requested`: after a pause; `device_lost`: its GPU failed or is gone"),
  }),
  paused: z.object({
    epoch: epoch.describe("whole epochs trained so far"),
    reason: z
      .enum(["requested", "rung", "store_full"])
      .describe("`rung`: its sweep decides whether it goes on; `store_full`: there was no room for its checkpoint"),
  }),
  epoch: z.object({
    epoch,
    epochs: epoch,
    step: step.describe("optimizer steps since the start"),
    steps: step.describe("optimizer steps of the whole job"),
    loss: figure,
    val_loss: figure.optional(),
    metrics: figures,
    val_metrics: figures.optional(),
    tables: tables.optional(),
    val_tables: tables.optional(),
    lr: z.number(),
    samples_per_s: z.number(),
    elapsed_ms: z.number(),
    eta_s: z.number(),
    nonfinite,
  }),
  probe: z.object({
    epoch: epoch.describe("whole epochs trained; 0 before the first"),
    outputs: z
      .array(z.unknown())
      .describe(
        "what the last layer gives for each input, in the order of the spec's `probes`, to 5 digits; null where it is not finite",
      ),
    grid: ProbedGrid.optional().describe("what the outputs are of, where it is a grid; in the first one alone"),
  }),
  changed: z.object({
    epoch: epoch.describe("the epoch that it is the first to rule"),
    change: SpecChange.describe("as a spec's `changes` repeat it"),
    epochs: epoch.describe("of the whole job, from now on"),
    steps: step.describe("of the whole job, from now on"),
  }),
  step: z.object({
    epoch: epoch.describe("the epoch that the steps are part of"),
    step: step.describe("the optimizer step of the first loss"),
    every: step.describe("how many steps lie between two losses"),
    losses: z.array(figure),
  }),
  checkpoint: z.object({
    epoch,
    step,
    best: z.boolean().describe("whether these are the best weights so far"),
    bytes: z.int(),
  }),
  anomaly: z.object({
    epoch,
    step: step.describe("the optimizer step at fault"),
    loss: figure,
    nonfinite,
    detail: z.string(),
    layer: z
      .object({ name: z.string(), type: z.string() })
      .nullable()
      .describe(
        "the first layer whose output was not finite; null if all were, and only the loss or a gradient was not",
      ),
    batch: z.object({
      size: z.int(),
      rows: z.array(z.int()).describe("its first 1000 rows, as rows of the training data, counted from 0"),
    }),
    gradient: z.object({ norm: figure, nonfinite }).describe("L2 norm of all gradients of the batch, before clipping"),
    action: z.enum(["stop", "rollback"]).describe("`rollback`: the job goes on from `back` at half the rate"),
    back: z.object({ epoch, step }).describe("where the weights come from that are kept"),
    lr: z.number().describe("the base learning rate from now on"),
  }),
  completed: z.object({
    best: Best.nullable(),
    final: z.object({
      epoch,
      loss: figure,
      val_loss: figure.optional(),
      metrics: figures,
      val_metrics: figures.optional(),
      nonfinite,
    }),
    links: Links,
  }),
  failed: z.object({ epoch, error: Problem }),
  cancelled: z.object({
    epoch: epoch.describe("whole epochs trained; the weights so far are kept"),
    reason: z.string(),
  }),
} as const;

export type EventType = keyof typeof payloads;
/** What an event says, without the frame (seq, job_id, time) that the log puts around it. */
export type EventPayload<T extends EventType> = z.input<(typeof payloads)[T]>;
export type NewEvent = { [T in EventType]: { readonly type: T; readonly data: EventPayload<T> } }[EventType];

const frame = {
  seq: z.int().min(1).describe("1, 2, 3 … without a gap; also the SSE id"),
  job_id: z.string(),
  time: z.iso.datetime(),
};
const framed = <T extends EventType>(type: T, description: string) =>
  payloads[type].extend(frame).meta({ id: `${type[0]?.toUpperCase()}${type.slice(1)}Event`, description });

/** As they are sent: the `data` of a server-sent event, whose `event` is the key here. */
export const jobEvents = {
  queued: framed("queued", "The job waits for a worker."),
  started: framed("started", "A worker has taken the job for the first time."),
  resumed: framed("resumed", "A worker goes on from a checkpoint."),
  paused: framed("paused", "The job has left its worker; its checkpoint waits for a resume."),
  epoch: framed("epoch", "An epoch is over. Each epoch appears once, whatever happened to the workers."),
  probe: framed(
    "probe",
    "What the model gives for the inputs that the spec's `probes` name. Each appears once, before the event of the next epoch, " +
      "whatever happened to the workers.",
  ),
  changed: framed("changed", "The job goes on otherwise than it began: someone asked for it, or its spec says so."),
  step: framed(
    "step",
    "Losses of single steps, where the spec asks for them: `losses[i]` is that of step `step + i · every`. What comes faster than " +
      "20 times a second is put into one event. Each step appears once, except for those that are trained again after a rollback.",
  ),
  checkpoint: framed("checkpoint", "The weights and everything else needed to go on are stored."),
  anomaly: framed(
    "anomaly",
    "The loss is no longer a finite number; `failed` follows, or the job goes back and trains on.",
  ),
  completed: framed("completed", "The last event: the job has trained to its end."),
  failed: framed("failed", "The last event: the job can't go on."),
  cancelled: framed("cancelled", "The last event: someone cancelled the job."),
} as const satisfies Record<EventType, z.ZodType>;

export type JobEvent = { [T in EventType]: z.infer<(typeof jobEvents)[T]> & { readonly type: T } }[EventType];

export const TERMINAL_EVENTS: ReadonlySet<string> = new Set<EventType>(["completed", "failed", "cancelled"]);

/** An event as the log stores and the stream sends it: `json` is kept byte for byte. */
export interface LoggedEvent {
  readonly seq: number;
  readonly type: EventType;
  readonly json: string;
}

export function isEventType(type: string): type is EventType {
  return Object.hasOwn(payloads, type);
}
