/** Which runs a list shows, and in which order: filter, search, sort. */
import type { JobStatus, JobSummary } from "../service/jobs.ts";

export const STATUSES: readonly JobStatus[] = ["running", "queued", "paused", "completed", "failed", "cancelled"];

export const SORT_KEYS = ["age", "name", "status", "progress", "loss", "best", "speed"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Choice {
  /** Null: any. */
  readonly status: JobStatus | null;
  /** Words that must all be found in the name, the id, or the metadata. */
  readonly search: string;
  readonly sort: SortKey;
  /** Against the direction in which people read this column first: newest, best, A to Z. */
  readonly reversed: boolean;
}

export const DEFAULT_CHOICE: Choice = { status: null, search: "", sort: "age", reversed: false };

export function chooseRuns(jobs: Iterable<JobSummary>, { status, search, sort, reversed }: Choice): JobSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...jobs].filter(
    (job) => (status === null || job.status === status) && (words.length === 0 || mentions(job, words)),
  );
  const compare = COMPARE[sort];
  const direction = reversed ? -1 : 1;
  const number = sort === "loss" || sort === "best" ? NUMBER[sort] : () => 0;
  const isMissing = (job: JobSummary) => Number(number(job) == null);
  return found.sort(
    (a, b) =>
      // What has no number comes last in both directions.
      isMissing(a) - isMissing(b) || direction * compare(a, b) || newestFirst(a, b),
  );
}

export function countByStatus(jobs: Iterable<JobSummary>): Map<JobStatus, number> {
  const counts = new Map<JobStatus, number>(STATUSES.map((status) => [status, 0]));
  for (const { status } of jobs) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

function mentions({ id, name, metadata, worker, device }: JobSummary, words: readonly string[]): boolean {
  const about = Object.entries(metadata).map(([key, value]) => `${key}:${value} ${key}=${value}`);
  const text = [name ?? "", id, worker ?? "", device ?? "", ...about].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Ids begin with the time. */
const newestFirst = (a: JobSummary, b: JobSummary): number => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

/** What a job may have no number for. */
const NUMBER = {
  loss: (job: JobSummary) => job.latest?.loss,
  best: (job: JobSummary) => job.best?.value,
};

const COMPARE: Record<SortKey, (a: JobSummary, b: JobSummary) => number> = {
  age: newestFirst,
  name: (a, b) => (a.name ?? a.id).localeCompare(b.name ?? b.id, undefined, { numeric: true }),
  status: (a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status),
  progress: (a, b) => shareOf(b) - shareOf(a),
  loss: (a, b) => (NUMBER.loss(a) ?? 0) - (NUMBER.loss(b) ?? 0),
  best: (a, b) => (NUMBER.best(a) ?? 0) - (NUMBER.best(b) ?? 0),
  speed: (a, b) => b.progress.samples_per_s - a.progress.samples_per_s,
};

const shareOf = ({ progress: { epoch, epochs } }: JobSummary): number => epoch / Math.max(1, epochs);
