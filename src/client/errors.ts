/** What can go wrong, each with a class of its own. */
import type { Job, Problem } from "./types.ts";

/** The service said no: a problem document (RFC 9457). The message has all of its mistakes, one a line. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** The last word of its type: `invalid-spec`, `not-found`, `wrong-state` … */
  readonly problem: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Where, and what is wrong there. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** Names the request in the service's log. */
  readonly requestId: string | undefined;
  /** How long to wait before the next try, where the service says so. */
  readonly retryAfterMs: number | undefined;

  constructor(document: Problem, retryAfterMs?: number) {
    const { type, title, status, detail, errors = [], request_id } = document;
    const mistakes = errors.length > 1 ? errors.map(({ path, message }) => `\n  ${path}: ${message}`) : [];
    super(detail + mistakes.join(""));
    this.problem = type.split("/").at(-1) ?? type;
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    this.requestId = request_id;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The service could not be reached, or went silent; `cause` has what the network said. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** A run that was waited for has ended otherwise than completed. */
export class JobEndedError extends Error {
  override readonly name = "JobEndedError";
  readonly job: Job;

  constructor(job: Job) {
    super(job.error ? `Job ${job.id} failed: ${job.error.detail}` : `Job ${job.id} was ${job.status}.`);
    this.job = job;
  }
}
