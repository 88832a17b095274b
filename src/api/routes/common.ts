/** What several routes share: path and page parameters, and finding the job that a path names. */
import { z } from "zod";
import type { Job, JobState } from "../../jobs/job.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";

export const JobPath = z.object({ id: z.string().describe("The job's id, `job_…`.") });

export const page = {
  limit: z.coerce
    .number("expects a number")
    .int("expects a whole number")
    .min(1, "expects at least 1")
    .max(200, "expects at most 200")
    .default(20)
    .describe("How many at most."),
  cursor: z
    .string("is given twice; once is enough")
    .regex(/^[a-z]+_[0-9a-z]{26}$/, "is no cursor; take next_cursor of the page before")
    .optional()
    .describe("`next_cursor` of the page before."),
};

/** The job that a path names; a 404 that names it if there is none. */
export async function findJob({ jobs }: ApiParts, id: string): Promise<Job> {
  const job = await jobs.get(id);
  if (!job) throw noSuchJob(id);
  return job;
}

export async function findState({ log }: ApiParts, id: string): Promise<JobState> {
  const state = await log.state(id);
  if (!state) throw noSuchJob(id);
  return state;
}

export function noSuchJob(id: string): ProblemError {
  return new ProblemError(
    "not-found",
    `There is no job ${JSON.stringify(id)}. GET /v1/jobs lists those that exist; a deleted one is gone for good.`,
  );
}

export function noSuchSweep(id: string): ProblemError {
  return new ProblemError(
    "not-found",
    `There is no sweep ${JSON.stringify(id)}. GET /v1/sweeps lists those that exist; a deleted one is gone for good.`,
  );
}
