/** A job as its client holds it: hear it, steer it, ask what it has learned. */
import type { Connection, RequestOptions } from "./connection.ts";
import { JobEndedError, ProblemError } from "./errors.ts";
import type { FollowOptions } from "./follow.ts";
import { Followed } from "./followed.ts";
import type {
  History,
  Job,
  JobEvent,
  JobPatch,
  JobSpec,
  ModelFormat,
  PredictLine,
  PredictResponse,
  Which,
} from "./types.ts";

/** Rows of one request, where many are predicted. */
const BLOCK_ROWS = 1000;

export interface ModelOptions extends RequestOptions {
  readonly checkpoint?: Which;
}

export interface RowsOptions extends ModelOptions {
  /** The number of the first row, by which mistakes are told: 2 where a header stands above. */
  readonly firstLine?: number;
}

export class Run extends Followed<Job, JobEvent> {
  constructor(connection: Connection, id: string) {
    super(connection, "/v1/jobs", id);
  }

  /** The job as it is now. */
  job(options: RequestOptions = {}): Promise<Job> {
    return this.connection.json(this.path(), options);
  }

  /** Waits for the end. Throws JobEndedError for a job that failed or was cancelled. */
  async completed(options: FollowOptions = {}): Promise<Job> {
    for await (const _event of this.events(options));
    const job = await this.job(options);
    if (job.status !== "completed") throw new JobEndedError(job);
    return job;
  }

  /** Another learning rate, length or early stopping, or a checkpoint, while it trains. */
  change(patch: JobPatch, options: RequestOptions = {}): Promise<Job> {
    return this.connection.json(this.path(), { method: "PATCH", json: patch, ...options });
  }

  /** Every epoch in columns. */
  history(options: RequestOptions = {}): Promise<History> {
    return this.connection.json(this.path("/history"), options);
  }

  /** The spec, whole, to send it again. */
  spec(options: RequestOptions = {}): Promise<JobSpec> {
    return this.connection.json(this.path("/spec"), options);
  }

  /** Asks the model, while it trains or afterwards. Rows are arrays in the order of the features, or objects by name. */
  predict(inputs: readonly unknown[], { checkpoint, ...options }: ModelOptions = {}): Promise<PredictResponse> {
    return this.connection.json(this.path("/predict"), {
      method: "POST",
      query: { checkpoint },
      json: { inputs },
      again: true,
      ...options,
    });
  }

  /** Answers for any number of rows, in their order; rows and answers are never all in memory. */
  async *predictAll(
    rows: Iterable<unknown> | AsyncIterable<unknown>,
    { checkpoint, firstLine = 1, ...options }: RowsOptions = {},
  ): AsyncGenerator<PredictLine, void, undefined> {
    let line = firstLine;
    for await (const block of blocksOf(rows)) {
      const call = {
        method: "POST",
        query: { checkpoint, first_line: line },
        headers: { "content-type": "application/x-ndjson", accept: "application/x-ndjson" },
        body: block.map((row) => `${JSON.stringify(row)}\n`).join(""),
        again: true,
        ...options,
      } as const;
      const text = await this.connection.send(this.path("/predict"), call, (answer) => answer.text());
      for (const line of text.trimEnd().split("\n")) {
        const answered = JSON.parse(line);
        if ("error" in answered) throw new ProblemError(answered.error);
        yield answered;
      }
      line += block.length;
    }
  }

  /** The model as a file. */
  model({ format, checkpoint, ...options }: ModelOptions & { readonly format?: ModelFormat } = {}): Promise<Blob> {
    const call = { query: { format, checkpoint }, ...options };
    return this.connection.send(this.path("/model"), call, (answer) => answer.blob());
  }
}

async function* blocksOf(rows: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<unknown[]> {
  let block: unknown[] = [];
  for await (const row of rows) {
    block.push(row);
    if (block.length < BLOCK_ROWS) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}
