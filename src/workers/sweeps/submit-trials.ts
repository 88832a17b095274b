/** Trials become jobs: those of one batch know of each other, and wait one behind the other. */
import { goneSource, type InitialWeights } from "../../jobs/initial-weights.ts";
import type { JobToCreate } from "../../jobs/job-log.ts";
import { type CheckedSpec, jobToCreate } from "../../jobs/job-to-create.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import { ObjectNotFoundError } from "../../jobs/object-store.ts";
import { jobProblems } from "../../jobs/problem.ts";
import type { TrialRecord } from "../../jobs/sweeps/sweep.ts";
import { isSmall } from "./batches.ts";
import type { TrialLedger } from "./trial-ledger.ts";

/** A trial that is to be a job. */
export interface MadeTrial extends CheckedSpec {
  readonly trial: TrialRecord;
  readonly jobId: string;
  /** Where its job is to pause by itself. */
  readonly hold: number | null;
}

/** Notes with each of a batch of small ones which is the first of them. */
export function noteBatch(batch: readonly MadeTrial[]): MadeTrial[] {
  const [first] = batch;
  if (!first || !isSmall(first)) return [...batch];
  return batch.map((made) => ({ ...made, trial: { ...made.trial, batch: first.trial.number } }));
}

/** Trials that are noted already; what is a job already stays as it is. */
export async function submitTrials(
  { jobs, initialWeights }: { readonly jobs: Jobs; readonly initialWeights: InitialWeights },
  ledger: TrialLedger,
  owner: string | null,
  made: readonly MadeTrial[],
): Promise<void> {
  if (made.length === 0) return;
  const ready = await Promise.all(made.map((each) => copyWeights(initialWeights, each)));
  const gone = made.filter((_, i) => !ready[i]);
  await ledger.tell(
    gone.map(({ trial, spec }) => {
      const error = jobProblems.invalidTrial([goneSource(spec.model.init)]);
      return { ...trial, status: "invalid", job_id: null, error };
    }),
  );
  const batches = Map.groupBy(ledger.trials, ({ batch }) => batch);
  const batchOf = ({ batch }: TrialRecord): string[] =>
    batch === undefined ? [] : (batches.get(batch) ?? []).flatMap(({ job_id }) => job_id ?? []);
  const toCreate = made.flatMap((each, i): JobToCreate[] => {
    if (!ready[i]) return [];
    const batch = batchOf(each.trial);
    return [{ ...jobToCreate(each.jobId, each), hold: each.hold, ...(batch.length > 1 && { batch }) }];
  });
  await jobs.submitAll(toCreate, owner === null ? undefined : { id: owner, jobs: null });
}

/** Copies what the job is to start from; whether it was still there. */
async function copyWeights(weights: InitialWeights, { spec, jobId }: MadeTrial): Promise<boolean> {
  try {
    await weights.copy(spec.model.init, jobId);
    return true;
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return false;
    throw error;
  }
}
