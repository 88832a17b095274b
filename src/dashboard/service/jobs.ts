/** The calls about jobs. Types come from the service's schemas; nothing else of it does. */
import type { EventPayload, EventType } from "../../jobs/events.ts";
import type { Job, JobStatus, JobSummary } from "../../jobs/job.ts";
import { ask, tell } from "./client.ts";

export type { EventType, Job, JobStatus, JobSummary };
/** An event as a stream sends it, without its type. */
export type EventOf<T extends EventType> = EventPayload<T> & {
  readonly seq: number;
  readonly job_id: string;
  readonly time: string;
};
export type EpochEvent = EventOf<"epoch">;
/** As a history lists it. */
export type ToldEvent = { [T in EventType]: EventOf<T> & { readonly event: T } }[EventType];

/** Every epoch in columns, as `/history` gives it. */
export interface History {
  last_seq: number;
  epoch: number[];
  step: number[];
  loss: (number | null)[];
  val_loss: (number | null)[];
  lr: (number | null)[];
  samples_per_s: (number | null)[];
  elapsed_ms: (number | null)[];
  metrics: Record<string, (number | null)[]>;
  val_metrics: Record<string, (number | null)[]>;
  steps: { step: number[]; loss: (number | null)[] };
  events: ToldEvent[];
}

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface Health {
  version: string;
  broker: { kind: string; promise: string };
}

export const pathOf = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;

export const health = (): Promise<Health> => ask("/healthz");
export const getJob = (id: string): Promise<Job> => ask(pathOf(id));
export const getHistory = (id: string): Promise<History> => ask(`${pathOf(id)}/history`);
export const listJobs = (limit: number, cursor?: string): Promise<Page<Job>> =>
  ask(`/v1/jobs?limit=${limit}${cursor === undefined ? "" : `&cursor=${cursor}`}`);
export const cancelJob = (id: string): Promise<Job> => ask(`${pathOf(id)}/cancel`, { method: "POST" });
export const pauseJob = (id: string): Promise<Job> => ask(`${pathOf(id)}/pause`, { method: "POST" });
export const resumeJob = (id: string): Promise<Job> => ask(`${pathOf(id)}/resume`, { method: "POST" });
export const deleteJob = (id: string): Promise<void> => tell(pathOf(id), { method: "DELETE" });

export const isFinished = (status: JobStatus): boolean =>
  status === "completed" || status === "failed" || status === "cancelled";
