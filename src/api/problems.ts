/** Every error that this API answers with: one list of named problems, sent as RFC 9457 documents. */
import { PROBLEM_BASE, type Problem } from "../jobs/problem.ts";

const definitions = {
  "malformed-json": { status: 400, title: "Malformed JSON" },
  "malformed-request": { status: 400, title: "Malformed request" },
  "invalid-parameter": { status: 400, title: "Invalid parameter" },
  unauthorized: { status: 401, title: "API key needed" },
  forbidden: { status: 403, title: "Not allowed to this API key" },
  "quota-exceeded": { status: 403, title: "Quota exceeded" },
  "not-found": { status: 404, title: "Not found" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "not-acceptable": { status: 406, title: "Not acceptable" },
  "wrong-state": { status: 409, title: "Wrong state" },
  "idempotency-conflict": { status: 409, title: "Idempotency key already used" },
  "too-large": { status: 413, title: "Too large" },
  "unsupported-media-type": { status: 415, title: "Unsupported media type" },
  "invalid-spec": { status: 422, title: "Invalid job spec" },
  "invalid-change": { status: 422, title: "Invalid change of a job" },
  "invalid-inputs": { status: 422, title: "Invalid inputs" },
  "invalid-dataset": { status: 422, title: "Invalid dataset" },
  "invalid-model": { status: 422, title: "Invalid model" },
  "not-expressible": { status: 422, title: "Model can't be written in this format" },
  "too-many-requests": { status: 429, title: "Too many requests" },
  "too-many-jobs": { status: 429, title: "Too many jobs" },
  "headers-too-large": { status: 431, title: "Request headers too large" },
  "internal-error": { status: 500, title: "Internal error" },
  unavailable: { status: 503, title: "Temporarily unavailable" },
  "insufficient-storage": { status: 507, title: "Insufficient storage" },
} as const;

export type ProblemName = keyof typeof definitions;

export const problemNames = Object.keys(definitions).filter((name): name is ProblemName => name in definitions);

/** What a problem's `errors` hold: where, and what is wrong there. */
export interface Mistake {
  path: string;
  message: string;
}

export interface ProblemExtras {
  errors?: readonly Mistake[];
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** Throw it from a route; the error handler sends it. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: ProblemName;
  readonly errors: readonly Mistake[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(problem: ProblemName, detail: string, extras: ProblemExtras = {}) {
    super(detail, { cause: extras.cause });
    this.problem = problem;
    this.errors = extras.errors;
    this.headers = extras.headers ?? {};
  }

  get status(): number {
    return definitions[this.problem].status;
  }

  document(requestId: string): Problem {
    const { status, title } = definitions[this.problem];
    return {
      type: PROBLEM_BASE + this.problem,
      title,
      status,
      detail: this.message,
      ...(this.errors && { errors: [...this.errors] }),
      request_id: requestId,
    };
  }
}

export function statusOf(problem: ProblemName): number {
  return definitions[problem].status;
}

export function titleOf(problem: ProblemName): string {
  return definitions[problem].title;
}

/** The usual detail over a list of mistakes: how many, and the first of them, so that a log line says enough. */
export function summarise(mistakes: readonly Mistake[], where: string): string {
  const [first] = mistakes;
  if (!first) return `Mistakes in ${where}.`;
  const lead = first.path === "" ? first.message : `${first.path}: ${first.message}`;
  return mistakes.length === 1
    ? `1 mistake in ${where}: ${lead}`
    : `${mistakes.length} mistakes in ${where}, first ${lead}`;
}
