/** Every error that this API answers with: one list of named problems, sent as RFC 9457 documents. */
import { z } from "zod";

/** The base of every problem's `type`. It identifies the problem; nothing has to answer there. */
export const PROBLEM_BASE = "https://epochd.example/problems/";

const definitions = {
  "malformed-json": { status: 400, title: "Malformed JSON" },
  "malformed-request": { status: 400, title: "Malformed request" },
  "invalid-parameter": { status: 400, title: "Invalid parameter" },
  "not-found": { status: 404, title: "Not found" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "not-acceptable": { status: 406, title: "Not acceptable" },
  "wrong-state": { status: 409, title: "Wrong state" },
  "idempotency-conflict": { status: 409, title: "Idempotency key already used" },
  "too-large": { status: 413, title: "Too large" },
  "unsupported-media-type": { status: 415, title: "Unsupported media type" },
  "invalid-spec": { status: 422, title: "Invalid job spec" },
  "invalid-inputs": { status: 422, title: "Invalid inputs" },
  "invalid-dataset": { status: 422, title: "Invalid dataset" },
  "headers-too-large": { status: 431, title: "Request headers too large" },
  "internal-error": { status: 500, title: "Internal error" },
  "insufficient-storage": { status: 507, title: "Insufficient storage" },
  unavailable: { status: 503, title: "Temporarily unavailable" },
} as const;

export type ProblemName = keyof typeof definitions;

export const problemNames = Object.keys(definitions).filter((name): name is ProblemName => name in definitions);

/** What a problem's `errors` hold: where, and what is wrong there. */
export interface Mistake {
  path: string;
  message: string;
}

/** The document on the wire. */
export const ProblemDocument = z
  .object({
    type: z.string().describe("Identifies the kind of problem; stable, so a program can switch on it."),
    title: z.string(),
    status: z.int().describe("The HTTP status again."),
    detail: z.string().describe("What happened here and what to do about it."),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe("Every mistake that was found, each with its path in what was sent."),
    request_id: z.string().optional().describe("Also the `x-request-id` header: name it when you ask for help."),
  })
  .meta({
    id: "Problem",
    description: "An RFC 9457 problem document.",
    examples: [
      {
        type: `${PROBLEM_BASE}invalid-spec`,
        title: "Invalid job spec",
        status: 422,
        detail:
          "1 mistake in the job spec: model.layers[2].in_features expects 64, the output of layer 1 (ReLU), got 32",
        errors: [{ path: "model.layers[2].in_features", message: "expects 64, the output of layer 1 (ReLU), got 32" }],
        request_id: "req_01jc2v8n6d0000000000000000",
      },
    ],
  });

export type ProblemDocument = z.infer<typeof ProblemDocument>;

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

  document(requestId: string): ProblemDocument {
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
