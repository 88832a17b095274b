/** A mistake told as RFC 9457 asks for: what a failed job carries, and what every error answer is. */
import { z } from "zod";

export const Problem = z
  .object({
    type: z.string().describe("a URI that names the kind of problem"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    request_id: z.string().optional(),
  })
  .meta({ id: "Problem", description: "What went wrong (RFC 9457)." });
export type Problem = z.infer<typeof Problem>;

/** The base of every problem's `type`. It identifies the problem; nothing has to answer there. */
export const PROBLEM_BASE = "https://epochd.dev/problems/";

/** Every way in which a job that was accepted can still fail. */
export const jobProblems = {
  dataMistake: (detail: string, errors?: { path: string; message: string }[]): Problem => ({
    type: `${PROBLEM_BASE}unfit-data`,
    title: "The data does not fit the job",
    status: 422,
    detail,
    ...(errors ? { errors } : {}),
  }),
  invalidTrial: (errors: readonly { path: string; message: string }[]): Problem => ({
    type: `${PROBLEM_BASE}invalid-spec`,
    title: "These settings can't train",
    status: 422,
    detail: errors.map(({ path, message }) => `${path} ${message}`).join("; "),
    errors: [...errors],
  }),
  noTrial: (trials: number): Problem => ({
    type: `${PROBLEM_BASE}no-trial`,
    title: "No trial could train",
    status: 422,
    detail: `All ${trials} trials failed, were cancelled or can't train: \`error\` of each says why.`,
  }),
  diverged: (detail: string): Problem => ({
    type: `${PROBLEM_BASE}diverged`,
    title: "The training diverged",
    status: 422,
    detail,
  }),
  outOfMemory: (detail: string): Problem => ({
    type: `${PROBLEM_BASE}out-of-memory`,
    title: "The job needs more memory than a worker has",
    status: 507,
    detail,
  }),
  timeLimit: (seconds: number): Problem => ({
    type: `${PROBLEM_BASE}time-limit`,
    title: "The job took longer than it may",
    status: 422,
    detail: `It has run for max_runtime_s, ${seconds} s, without coming to its end. The weights so far are kept.`,
  }),
  workerLost: (detail: string): Problem => ({
    type: `${PROBLEM_BASE}worker-lost`,
    title: "The workers of this job kept dying",
    status: 500,
    detail,
  }),
  storeFull: (detail: string): Problem => ({
    type: `${PROBLEM_BASE}insufficient-storage`,
    title: "The object store is full",
    status: 507,
    detail,
  }),
  hung: (seconds: number): Problem => ({
    type: `${PROBLEM_BASE}hung`,
    title: "The training hung",
    status: 422,
    detail:
      `It has finished no step for ${seconds} s (STEP_TIMEOUT_S), and its thread was ended. The weights of its last checkpoint ` +
      "are kept. Try a smaller batch_size or model.",
  }),
  deviceLost: (detail: string): Problem => ({
    type: `${PROBLEM_BASE}device-lost`,
    title: "The GPU of this job kept failing",
    status: 500,
    detail,
  }),
  internal: (detail: string): Problem => ({
    type: `${PROBLEM_BASE}internal-error`,
    title: "Something in the service broke",
    status: 500,
    detail,
  }),
} as const;
