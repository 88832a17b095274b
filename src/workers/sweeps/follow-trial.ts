/** What has become of a trial, read from the log of its job: each epoch once, also the epochs of a job that has ended. */
import { z } from "zod";
import type { JobStanding } from "../../jobs/job.ts";
import type { JobLog } from "../../jobs/job-log.ts";
import type { TrialRecord } from "../../jobs/sweeps/sweep.ts";
import { cost, figureOf, isBetter } from "../../sweeps/objective.ts";
import type { Objective } from "../../sweeps/sweep-spec.ts";

/** What was read so far. */
interface Read {
  seq: number;
  epoch: number;
  value: number | null;
  best_epoch: number | null;
  readonly rung_values: number[];
}

/** Of a trial that never had a number to show for itself. */
const WORST = Number.MAX_VALUE;
const PAGE = 1000;

export class TrialFollower {
  private readonly log: JobLog;
  private readonly objective: Objective;
  private readonly rungs: readonly number[];
  private readonly read = new Map<number, Read>();

  constructor(log: JobLog, objective: Objective, rungs: readonly number[]) {
    this.log = log;
    this.objective = objective;
    this.rungs = rungs;
  }

  /** The trial as it is now, given what its job says of itself. */
  async follow(trial: TrialRecord, job: JobStanding): Promise<TrialRecord> {
    const read = await this.readOn(trial, job);
    const { epoch, value, best_epoch, rung_values } = read;
    const failed = job.status === "failed";
    return {
      ...trial,
      status: this.statusOf(trial, job, read),
      epoch,
      // The weights of a job that failed may be kept; what counts is that these settings failed.
      value: failed ? null : value,
      best_epoch: failed ? null : best_epoch,
      rung_values: [...rung_values],
      error: job.error,
    };
  }

  private statusOf(trial: TrialRecord, { status }: JobStanding, { epoch }: Read): TrialRecord["status"] {
    if (trial.status === "stopped") return "stopped";
    const rung = this.rungs[trial.rung];
    const atRung = trial.rung < this.rungs.length - 1 && rung !== undefined && epoch >= rung;
    return status === "paused" && atRung ? "waiting" : status;
  }

  private async readOn({ number, job_id }: TrialRecord, { seq }: JobStanding): Promise<Read> {
    const read = this.read.get(number) ?? { seq: 0, epoch: 0, value: null, best_epoch: null, rung_values: [] };
    this.read.set(number, read);
    while (job_id !== null && read.seq < seq) {
      const events = await this.log.events(job_id, read.seq, PAGE);
      for (const { type, json } of events) if (type === "epoch") this.add(read, EpochEvent.parse(JSON.parse(json)));
      const last = events.at(-1);
      if (!last) break;
      read.seq = last.seq;
    }
    return read;
  }

  private add(read: Read, figures: z.infer<typeof EpochEvent>): void {
    const { objective } = this;
    const value = figureOf(objective, figures);
    read.epoch = figures.epoch;
    if (value !== null && isBetter(objective, value, read.value)) {
      read.value = value;
      read.best_epoch = figures.epoch;
    }
    for (let next = this.rungs[read.rung_values.length]; next !== undefined && read.epoch >= next; ) {
      read.rung_values.push(read.value === null ? WORST : cost(objective, read.value));
      next = this.rungs[read.rung_values.length];
    }
  }
}

const figure = z.number().nullable();
const EpochEvent = z.object({
  epoch: z.int(),
  loss: figure,
  val_loss: figure.optional(),
  metrics: z.record(z.string(), figure),
  val_metrics: z.record(z.string(), figure).optional(),
});
