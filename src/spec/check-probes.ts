/** `probes`: what is left out follows from the data, and each row must be one that the model could be asked with. */
import { DataError, grouped, quoted } from "../data/data-error.ts";
import { nearest } from "../data/nearest-name.ts";
import type { FittedPreprocess } from "../data/preprocess.ts";
import { elementCount, type Shape } from "../engine/definitions.ts";
import { requireInputNumbers } from "./check-numbers.ts";
import { tellDataError } from "./check-rows.ts";
import type { ColumnSummary, DataFacts } from "./data-facts.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import type { JobSettings } from "./job-spec.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";
import { parseForm } from "./parse-form.ts";
import { columnsOf, pathOf, probePlan } from "./probe-rows.ts";
import { GridProbes, InputProbes, MOST_PROBES, type ProbedGrid, type Probes } from "./probe-spec.ts";

/** Numbers in one event, and in all of a job's; some eight bytes each are kept in its log. */
const MOST_IN_EVENT = 16_384;
const MOST_IN_JOB = 2_000_000;
const USUAL_EVENTS = 100;
/** More columns than these are an image or the like, of which a plane shows nothing. */
const MOST_COLUMNS = 256;

const forms = { inputs: InputProbes, grid: GridProbes };

/** Null where none are asked for; undefined where a mistake hides them. */
export function checkProbes(
  given: unknown,
  facts: DataFacts | undefined,
  model: ResolvedModel | undefined,
  settings: Pick<JobSettings, "epochs"> | undefined,
  mistakes: Mistakes,
): Probes | null | undefined {
  if (given === undefined || given === null) return null;
  const form = parseForm(given, forms, "probes", mistakes);
  if (form === undefined || !facts?.preprocess || !settings) return undefined;
  const every_epochs = form.every_epochs ?? Math.ceil(settings.epochs / USUAL_EVENTS);
  const rows = "grid" in form ? checkGrid(form.grid, facts, facts.preprocess, mistakes) : { inputs: form.inputs };
  if (rows === undefined || model === undefined) return undefined;
  const probes: Probes = { ...rows, every_epochs };
  if (!checkAsked(probes, facts.preprocess, model, mistakes)) return undefined;
  checkSize(probes, model.output, settings.epochs, mistakes);
  return probes;
}

/** Why a job can't be made `epochs` long: what its probes would tell is more than is kept. Undefined if it can. */
export function tooManyProbes(probes: Probes, output: Shape, epochs: number): string | undefined {
  const each = countOf(probes) * elementCount(output);
  const total = each * eventsOf(probes, epochs);
  if (total <= MOST_IN_JOB) return undefined;
  const least = Math.ceil(epochs / Math.max(1, Math.floor(MOST_IN_JOB / each) - 2));
  return (
    `the job would tell ${grouped(total)} numbers of its probes, at most ${grouped(MOST_IN_JOB)} are kept; ` +
    `use an every_epochs of at least ${grouped(least)}, or fewer points`
  );
}

const eventsOf = ({ every_epochs }: Probes, epochs: number): number => Math.floor(epochs / every_epochs) + 2;

export const countOf = (probes: Probes): number =>
  "inputs" in probes ? probes.inputs.length : probes.grid.x.points * (probes.grid.y?.points ?? 1);

function checkSize(probes: Probes, output: Shape, epochs: number, mistakes: Mistakes): void {
  const [count, size] = [countOf(probes), elementCount(output)];
  if (count > MOST_PROBES) {
    mistakes.add("probes.grid", `has ${grouped(count)} points, at most ${grouped(MOST_PROBES)} are taken`);
  } else if (count * size > MOST_IN_EVENT) {
    const most = grouped(Math.floor(MOST_IN_EVENT / size));
    const each = `the model gives ${grouped(size)} numbers for each`;
    mistakes.add(pathOf(probes), `has ${grouped(count)} points, at most ${most} are taken, since ${each}`);
  } else {
    const why = tooManyProbes(probes, output, epochs);
    if (why) mistakes.add("probes.every_epochs", why);
  }
}

/** Whether the model could be asked with these rows. */
function checkAsked(probes: Probes, preprocess: FittedPreprocess, model: ResolvedModel, mistakes: Mistakes): boolean {
  if (countOf(probes) > MOST_PROBES) return true;
  const path = pathOf(probes);
  try {
    const { inputs } = probePlan(probes, preprocess);
    requireInputNumbers(model.specs, { inputs, inputShape: preprocess.shape }, path);
    return true;
  } catch (error) {
    // Points of a grid are nothing that stands in the request.
    if ("grid" in probes && error instanceof DataError) mistakes.add(path, error.message);
    else tellDataError(error, path, mistakes);
    return false;
  }
}

type GivenGrid = ReturnType<typeof GridProbes.parse>["grid"];
type GivenAxis = GivenGrid["x"];

function checkGrid(
  given: GivenGrid,
  facts: DataFacts,
  preprocess: FittedPreprocess,
  mistakes: Mistakes,
): { readonly grid: ProbedGrid } | undefined {
  const columns = facts.summaries();
  if (columns === null || columns.length > MOST_COLUMNS) {
    const found = columns === null ? "those of the data are arrays" : `the data has ${grouped(columns.length)} columns`;
    mistakes.add(
      "probes.grid",
      `runs over columns of single numbers, at most ${MOST_COLUMNS}, but ${found}; use probes.inputs`,
    );
    return undefined;
  }
  const names = columnsOf(preprocess);
  const words = new Set(preprocess.oneHot.map(({ column }) => column));
  const grid = new Grid(columns, names, words, mistakes);
  return grid.check(given);
}

/** Finds what a grid leaves out in the columns of the data. */
class Grid {
  readonly #columns: readonly ColumnSummary[];
  readonly #names: readonly (string | number)[];
  /** One-hot columns, by position: no number can vary there. */
  readonly #words: ReadonlySet<number>;
  readonly #mistakes: Mistakes;

  constructor(
    columns: readonly ColumnSummary[],
    names: readonly (string | number)[],
    words: ReadonlySet<number>,
    mistakes: Mistakes,
  ) {
    this.#columns = columns;
    this.#names = names;
    this.#words = words;
    this.#mistakes = mistakes;
  }

  check(given: GivenGrid): { readonly grid: ProbedGrid } | undefined {
    const first = this.#find(given.x, "x", [given.y?.feature]);
    const wantsY = given.y !== null && (given.y !== undefined || this.#usual([first, given.y]) !== undefined);
    const second = wantsY ? this.#find(given.y ?? {}, "y", [first]) : null;
    if (first !== undefined && first === second) {
      this.#mistakes.add("probes.grid.y.feature", "is the feature of x, too; name another, or set y to null");
      return undefined;
    }
    const points = second === null ? 100 : 40;
    const x = first === undefined ? undefined : this.#axis(given.x, "x", first, points);
    const y = typeof second === "number" ? this.#axis(given.y ?? {}, "y", second, points) : second;
    const at = this.#others(given.at ?? {}, [first, second]);
    return x === undefined || y === undefined || at === undefined ? undefined : { grid: { x, y, at } };
  }

  /** Position of the column that an axis runs along. */
  #find({ feature }: GivenAxis, axis: "x" | "y", taken: readonly unknown[]): number | undefined {
    const path = joinPath("probes.grid", axis, "feature");
    if (feature === undefined) {
      const usual = this.#usual(taken);
      if (usual === undefined) this.#mistakes.add(path, "is required: the data has no column of numbers to run along");
      return usual;
    }
    const at = this.#names.indexOf(feature);
    if (at < 0) this.#mistakes.add(path, () => this.#noColumn(String(feature)));
    else if (this.#words.has(at)) {
      this.#mistakes.add(path, `${quoted(String(feature))} is a one_hot column; a grid runs along numbers`);
    } else return at;
    return undefined;
  }

  /** The first column of numbers that is not taken yet. */
  #usual(taken: readonly unknown[]): number | undefined {
    const at = this.#columns.findIndex(
      ({ min, isText }, i) =>
        min !== null && !isText && !this.#words.has(i) && !taken.includes(i) && !taken.includes(this.#names[i]),
    );
    return at < 0 ? undefined : at;
  }

  #axis(given: GivenAxis, axis: "x" | "y", at: number, usualPoints: number): ProbedGrid["x"] | undefined {
    const column = this.#columns[at];
    const path = joinPath("probes.grid", axis);
    if (
      column === undefined ||
      ((column.min === null || column.isText) && !(given.min !== undefined && given.max !== undefined))
    ) {
      this.#mistakes.add(path, `${quoted(String(this.#names[at]))} holds no numbers to tell from; give min and max`);
      return undefined;
    }
    const [least, greatest] = [column.min ?? 0, column.max ?? 0];
    const margin = (greatest - least || 1) / 20;
    const min = given.min ?? rounded(least - margin, margin);
    const max = given.max ?? rounded(greatest + margin, margin);
    if (min >= max) {
      this.#mistakes.add(path, `runs from ${min} to ${max}; min must be less than max`);
      return undefined;
    }
    return { feature: this.#names[at] ?? at, min, max, points: given.points ?? usualPoints };
  }

  /** What the columns hold that no axis runs along. */
  #others(
    given: Readonly<Record<string, number | string>>,
    axes: readonly (number | null | undefined)[],
  ): ProbedGrid["at"] | undefined {
    const known = this.#names.map(String);
    let isRight = true;
    for (const name of Object.keys(given)) {
      const at = known.indexOf(name);
      if (at >= 0 && !axes.includes(at)) continue;
      const path = joinPath("probes.grid.at", name);
      this.#mistakes.add(path, at < 0 ? () => this.#noColumn(name) : "is what an axis runs along; leave it out here");
      isRight = false;
    }
    if (!isRight) return undefined;
    const others = this.#columns.flatMap(({ mean, word, isText }, i) => {
      if (axes.includes(i)) return [];
      const name = known[i] ?? "";
      const usual = isText ? (word ?? "") : Number((mean ?? 0).toPrecision(6));
      return [[name, given[name] ?? usual] as const];
    });
    return Object.fromEntries(others);
  }

  #noColumn(name: string): string {
    const known = this.#names.map(String);
    const some = known.slice(0, 5).map(quoted).join(", ") + (known.length > 5 ? ", …" : "");
    return `there is no feature ${quoted(name)}${nearest(name, known) || `; there are ${some}`}`;
  }
}

/** To the digits that a twentieth of the range can tell apart. */
function rounded(value: number, margin: number): number {
  const unit = 10 ** Math.floor(Math.log10(margin));
  return Number((Math.round(value / unit) * unit).toPrecision(12));
}
