/** The next trial of a sweep: its draws, and the job that comes of them. */
import type { ApiKeys } from "../../jobs/api-keys.ts";
import { loadBulk, storeBulk } from "../../jobs/bulk.ts";
import type { DatasetStore } from "../../jobs/dataset-store.ts";
import { type InitialWeights, noSuchSource } from "../../jobs/initial-weights.ts";
import type { CheckedSpec } from "../../jobs/job-to-create.ts";
import { noSuchModel } from "../../jobs/model-store.ts";
import type { ObjectStore } from "../../jobs/object-store.ts";
import type { Owners } from "../../jobs/owners.ts";
import { jobProblems, type Problem } from "../../jobs/problem.ts";
import { type Quota, quotaOf, specLimits } from "../../jobs/quota.ts";
import type { TrialRecord } from "../../jobs/sweeps/sweep.ts";
import { isRecord } from "../../spec/check-component.ts";
import type { FindDataset } from "../../spec/check-data.ts";
import { type CheckContext, checkSpec, DEFAULT_LIMITS, type SpecLimits } from "../../spec/check-spec.ts";
import { parseSpace } from "../../sweeps/check-sweep.ts";
import { drawPoint, type Field, type Point } from "../../sweeps/draw.ts";
import { gridPick } from "../../sweeps/grid-sampler.ts";
import { cost } from "../../sweeps/objective.ts";
import { randomPick } from "../../sweeps/random-sampler.ts";
import type { Leaf } from "../../sweeps/search-space.ts";
import type { SweepSpec } from "../../sweeps/sweep-spec.ts";
import { type Observation, tpePick } from "../../sweeps/tpe-sampler.ts";

/** The trial's job spec, or why it can't train. */
export type CheckedTrial = CheckedSpec | Problem;

export interface DrawerParts {
  readonly store: ObjectStore;
  readonly datasets: DatasetStore;
  readonly initialWeights: InitialWeights;
  readonly owners: Owners;
  readonly apiKeys: ApiKeys;
  /** What a key may use, unless it says otherwise itself. */
  readonly quota: Quota;
}

export class TrialDrawer {
  private readonly store: ObjectStore;
  private readonly id: string;
  private readonly spec: SweepSpec;
  private readonly base: object;
  private readonly fields: readonly Field[];
  private readonly context: CheckContext;
  readonly owner: string | null;

  static async create(parts: DrawerParts, id: string, spec: SweepSpec): Promise<TrialDrawer> {
    const base = await loadBulk(spec.base, id, parts.store);
    const owner = await parts.owners.ownerOf(id);
    const limits =
      owner === null ? DEFAULT_LIMITS : specLimits(quotaOf(parts.quota, await parts.apiKeys.quotaOf(owner)));
    return new TrialDrawer(parts, id, spec, base, owner, limits);
  }

  private constructor(
    parts: DrawerParts,
    id: string,
    spec: SweepSpec,
    base: object,
    owner: string | null,
    limits: SpecLimits,
  ) {
    this.store = parts.store;
    this.id = id;
    this.spec = spec;
    this.base = base;
    this.fields = parseSpace(spec.space);
    this.owner = owner;
    const maySee = async (other: string) => owner === null || (await parts.owners.ownerOf(other)) === owner;
    this.context = {
      dataset: async (dataset) => ((await maySee(dataset)) ? parts.datasets.get(dataset) : null),
      weights: async (job, which) =>
        (await maySee(job)) ? parts.initialWeights.shapes(job, which) : noSuchSource(job),
      models: async (model) => ((await maySee(model)) ? parts.initialWeights.modelShapes(model) : noSuchModel(model)),
      limits,
    };
  }

  /** Of the base. */
  get epochs(): number {
    return "epochs" in this.base && typeof this.base.epochs === "number" ? this.base.epochs : 0;
  }

  /** Draws anew, by what is known of the others. */
  draw(number: number, trials: readonly TrialRecord[]): Point {
    const { strategy, seed } = this.spec;
    switch (strategy.type) {
      case "random":
        return this.point(randomPick(seed, number));
      case "grid":
        return this.point(gridPick(this.fields, number));
      case "tpe":
        return this.point(tpePick(seed, number, this.observations(trials, strategy.startup_trials), strategy));
    }
  }

  /** The point of a trial that was drawn before. */
  redraw({ draws }: Pick<TrialRecord, "draws">): Point {
    return this.point((leaf) => draws[leaf.id] ?? 0);
  }

  /**
   * Checks trials that are drawn together, each for the job that it is to be: a data set that they share is looked up once, and data
   * that stand in them are stored, so that nobody holds those of all.
   */
  checker(): (number: number, jobId: string, point: Point) => Promise<CheckedTrial> {
    const found = new Map<string, ReturnType<FindDataset>>();
    const dataset: FindDataset = (id) => {
      const known = found.get(id) ?? this.context.dataset(id);
      found.set(id, known);
      return known;
    };
    return async (number, jobId, { spec }) => {
      const checked = await checkSpec(this.ownSpec(number, spec), { ...this.context, dataset });
      if (!checked.ok) return jobProblems.invalidTrial(checked.errors);
      return { ...checked, spec: await storeBulk(checked.spec, jobId, this.store) };
    };
  }

  private point(pick: (leaf: Leaf) => number): Point {
    return drawPoint(this.base, this.fields, pick);
  }

  private ownSpec(number: number, spec: unknown): unknown {
    if (!isRecord(spec)) return spec;
    const name = this.spec.name ?? spec["name"];
    const metadata = isRecord(spec["metadata"]) ? spec["metadata"] : {};
    return {
      ...spec,
      ...(typeof name === "string" && { name: `${name.slice(0, 190)} #${number}` }),
      metadata: { ...metadata, sweep: this.id, trial: String(number) },
    };
  }

  /** Where trials are judged at rungs, by the highest that enough of them have reached: who has not come so far was worse. */
  private observations(trials: readonly TrialRecord[], enough: number): Observation[] {
    if (this.spec.asha === null) {
      return trials.map(({ draws, value, status }) => ({
        draws,
        value: value === null || status !== "completed" ? null : cost(this.spec.objective, value),
      }));
    }
    const highest = Math.max(0, ...trials.map(({ rung_values }) => rung_values.length)) - 1;
    let rung = highest;
    while (rung > 0 && trials.filter(({ rung_values }) => rung_values.length > rung).length < enough) rung--;
    return trials.map(({ draws, rung_values }) => ({ draws, value: rung_values[rung] ?? null }));
  }
}
