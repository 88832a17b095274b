import { expect, test } from "vitest";
import { type Choice, chooseRuns, countByStatus, DEFAULT_CHOICE } from "../../../src/dashboard/runs/choose-runs.ts";
import type { JobSummary } from "../../../src/jobs/job.ts";

const job = (id: string, about: Partial<JobSummary> = {}): JobSummary => ({
  id,
  name: null,
  metadata: {},
  status: "completed",
  created_at: "2026-11-27T10:00:00Z",
  started_at: null,
  finished_at: null,
  progress: { epoch: 0, epochs: 10, step: 0, steps: 10, samples_per_s: 0, eta_s: 0 },
  latest: null,
  best: null,
  device: null,
  worker: null,
  attempts: 0,
  cancel_requested: false,
  pause_requested: false,
  error: null,
  seq: 1,
  trend: { every: 1, losses: [] },
  ...about,
});

const jobs = [
  job("job_1", { name: "run 10", metadata: { team: "red" }, best: { metric: "loss", epoch: 1, value: 0.3 } }),
  job("job_3", { name: "run 9", status: "running", best: { metric: "loss", epoch: 1, value: 0.1 } }),
  job("job_2", { name: "Other", metadata: { team: "blue" }, status: "failed" }),
];
const idsOf = (choice: Partial<Choice>) => chooseRuns(jobs, { ...DEFAULT_CHOICE, ...choice }).map(({ id }) => id);

test("the newest run comes first", () => {
  expect(idsOf({})).toEqual(["job_3", "job_2", "job_1"]);
  expect(idsOf({ reversed: true })).toEqual(["job_1", "job_2", "job_3"]);
});

test("a search finds words in name, id and metadata, whatever their case", () => {
  expect(idsOf({ search: "RUN" })).toEqual(["job_3", "job_1"]);
  expect(idsOf({ search: "team:blue" })).toEqual(["job_2"]);
  expect(idsOf({ search: "run red" })).toEqual(["job_1"]);
  expect(idsOf({ search: "job_2" })).toEqual(["job_2"]);
});

test("a status shows only its runs, and each is counted", () => {
  expect(idsOf({ status: "failed" })).toEqual(["job_2"]);
  expect(countByStatus(jobs).get("running")).toBe(1);
});

test("names sort as people count, and what has no figure comes last", () => {
  expect(idsOf({ sort: "name" })).toEqual(["job_2", "job_3", "job_1"]);
  expect(idsOf({ sort: "best" })).toEqual(["job_3", "job_1", "job_2"]);
  expect(idsOf({ sort: "best", reversed: true }).at(-1)).toBe("job_2");
});
