/**
 * Checks a whole sweep before anything trains: its settings, that each path leads somewhere, and the specs at the ends of its
 * space, each with the check that a job's spec gets.
 */
import { describe } from "../data/inline.ts";
import { isRecord } from "../spec/check-component.ts";
import { checkMonitor, completeEarlyStopping } from "../spec/check-settings.ts";
import { type CheckContext, checkSpec } from "../spec/check-spec.ts";
import { EarlyStopping, type JobSpec } from "../spec/job-spec.ts";
import { joinPath, type Mistake, Mistakes, parseOr, tell, unknownField } from "../spec/mistakes.ts";
import { type Field, leavesOf, type Point } from "./draw.ts";
import { extremes } from "./extremes.ts";
import { countCells, unlisted } from "./grid-sampler.ts";
import { parseField } from "./search-space.ts";
import { overlap, parsePath, withValue } from "./spec-path.ts";
import { MOST_TRIALS, Objective, Strategy, SweepSettings, SweepSpec } from "./sweep-spec.ts";

export type SweepCheck =
  | { readonly ok: true; readonly sweep: SweepSpec }
  | { readonly ok: false; readonly errors: readonly Mistake[] };

/** What a child's metadata says of its sweep. */
export const OWN_METADATA = ["sweep", "trial"] as const;
const MOST_LEAVES = 500;
const DEFAULT_TRIALS = 20;

export async function checkSweep(input: unknown, context: CheckContext): Promise<SweepCheck> {
  const mistakes = new Mistakes();
  const failed = (): SweepCheck => ({ ok: false, errors: mistakes.list });
  if (!isRecord(input)) {
    mistakes.add("", `expects a JSON object with base and space, got ${describe(input)}`);
    return failed();
  }
  const settings = checkOwnSettings(input, mistakes);
  const base = checkBase(input["base"], mistakes);
  const fields = parseSpace(input["space"], mistakes);
  if (base) checkPlaces(base, fields, mistakes);
  if (settings?.asha && base) checkRungs(settings.asha.min_epochs, base, fields, mistakes);
  const strategy = settings && completeStrategy(settings.strategy);
  const trials = settings && strategy && checkTrials(settings.trials, strategy, fields, mistakes);
  if (!mistakes.none || !settings || !base || !strategy || trials === undefined) return failed();

  const first = await checkPoints(base, fields, context, mistakes);
  if (!first) return failed();
  const objective = checkObjective(input["objective"], first, mistakes);
  if (!mistakes.none || !objective) return failed();
  const { name, metadata, asha, parallel, seed } = settings;
  const space = Object(input["space"]);
  return { ok: true, sweep: { name, metadata, strategy, trials, asha, parallel, seed, base, space, objective } };
}

/** The fields of a space. What was checked before has no mistakes. */
export function parseSpace(space: unknown, mistakes = new Mistakes()): Field[] {
  if (!isRecord(space) || Object.keys(space).length === 0) {
    const found = space === undefined ? "" : `, got ${describe(space)}`;
    mistakes.add(
      "space",
      `${space === undefined ? "is required: " : "expects "}the fields that vary, such as { "optimizer.lr": { "log_uniform": [0.0001, 0.1] } }${found}`,
    );
    return [];
  }
  const fields: Field[] = [];
  for (const [name, given] of Object.entries(space)) {
    const at = joinPath("space", name);
    const path = parsePath(name);
    if (!path) {
      mistakes.add(at, 'is no path into a spec; expects one such as "optimizer.lr" or "model.layers[0].out_features"');
      continue;
    }
    const other = fields.find((field) => overlap(field.path, path));
    if (other) {
      mistakes.add(
        at,
        `is part of what ${joinPath("", ...other.path)} sets, or the other way round; nest one inside the other`,
      );
      continue;
    }
    fields.push({ path, node: parseField(given, name, at, mistakes) });
  }
  const leaves = fields.flatMap(({ node }) => [...leavesOf(node)]).length;
  if (leaves > MOST_LEAVES) mistakes.add("space", `holds ${leaves} distributions, at most ${MOST_LEAVES} are taken`);
  return fields;
}

/** Where in the request a leaf stands. */
export function pathOfLeaf(id: string, fields: readonly Field[]): string {
  const name = fields.map(({ path }) => joinPath("", ...path)).find((known) => id === known || id.startsWith(known));
  return name === undefined ? "space" : joinPath("space", name) + id.slice(name.length);
}

function checkOwnSettings(input: Readonly<Record<string, unknown>>, mistakes: Mistakes) {
  const known = Object.keys(SweepSpec.shape);
  for (const name of Object.keys(input)) {
    if (!known.includes(name)) mistakes.add(joinPath("", name), () => unknownField(name, known));
  }
  const own = Object.fromEntries(Object.entries(input).filter(([name]) => Object.hasOwn(SweepSettings.shape, name)));
  return parseOr(SweepSettings, own, "", mistakes);
}

function checkBase(base: unknown, mistakes: Mistakes): Record<string, unknown> | undefined {
  if (!isRecord(base)) {
    const found = base === undefined ? "is required: a job spec" : `expects a job spec, got ${describe(base)}`;
    mistakes.add("base", found);
    return undefined;
  }
  const { metadata } = base;
  for (const key of OWN_METADATA) {
    if (isRecord(metadata) && Object.hasOwn(metadata, key))
      mistakes.add(joinPath("base.metadata", key), "is what the sweep itself says in its jobs; use another name");
  }
  return base;
}

function checkPlaces(base: unknown, fields: readonly Field[], mistakes: Mistakes): void {
  for (const { path } of fields) {
    const at = joinPath("", ...path);
    const set = withValue(base, path, null);
    if ("lost" in set) mistakes.add(joinPath("space", at), `leads nowhere in base: a part of it ${set.lost}`);
    if (path[0] === "name" || path[0] === "metadata")
      mistakes.add(joinPath("space", at), "is what the sweep itself sets in its jobs, and can't vary");
  }
}

function checkRungs(
  min: number,
  { epochs }: Record<string, unknown>,
  fields: readonly Field[],
  mistakes: Mistakes,
): void {
  if (fields.some(({ path }) => path[0] === "epochs"))
    mistakes.add("space.epochs", "can't vary where asha decides how long a trial trains; leave one of them out");
  if (typeof epochs === "number" && min >= epochs)
    mistakes.add("asha.min_epochs", `expects less than the ${epochs} epochs of base, got ${min}`);
}

function completeStrategy(given: string | Strategy): Strategy {
  if (typeof given !== "string") return given;
  return Strategy.parse({ type: given });
}

function checkTrials(
  given: number | undefined,
  strategy: Strategy,
  fields: readonly Field[],
  mistakes: Mistakes,
): number | undefined {
  if (strategy.type !== "grid") return given ?? DEFAULT_TRIALS;
  const endless = unlisted(fields.flatMap(({ node }) => [...leavesOf(node)]));
  for (const { id } of endless)
    mistakes.add(pathOfLeaf(id, fields), 'has too many values for a grid; add "steps", how many to try');
  if (endless.length > 0) return undefined;
  const cells = countCells(fields);
  if (given !== undefined) return Math.min(given, cells);
  if (cells <= MOST_TRIALS) return cells;
  mistakes.add(
    "space",
    `is a grid of ${cells > 1e9 ? "more than a billion" : cells.toLocaleString("en")} combinations, at most ${MOST_TRIALS.toLocaleString("en")} are taken; ` +
      "name trials to take the first of them, or use random",
  );
  return undefined;
}

/** The checked spec of the first point; undefined after mistakes. */
async function checkPoints(
  base: unknown,
  fields: readonly Field[],
  context: CheckContext,
  mistakes: Mistakes,
): Promise<JobSpec | undefined> {
  const found = new Map<string, { readonly mistake: Mistake; readonly at: Point; times: number }>();
  const points = extremes(base, fields);
  let first: JobSpec | undefined;
  for (const point of points) {
    const checked = await checkSpec(point.spec, context);
    if (checked.ok) {
      first ??= checked.spec;
      continue;
    }
    for (const { path, message } of checked.errors) {
      const field = fields.find((one) => joinPath("", ...one.path) === path);
      // A field that there is not is no fault of the value that was drawn for it.
      const at = field && message.startsWith("unknown field") ? joinPath("space", path) : pathInSweep(path, point);
      const mistake = { path: at, message };
      const key = JSON.stringify(mistake);
      const known = found.get(key);
      if (known) known.times++;
      else found.set(key, { mistake, at: point, times: 1 });
    }
  }
  for (const { mistake, at, times } of found.values())
    mistakes.add(mistake.path, times === points.length ? mistake.message : `${mistake.message} (${where(at)})`);
  return found.size > 0 ? undefined : first;
}

/** To where in the request a mistake of a drawn spec goes back. */
function pathInSweep(path: string, { origins }: Point): string {
  let best = "";
  for (const at of origins.keys()) {
    const next = path[at.length];
    if (at.length > best.length && path.startsWith(at) && (next === undefined || next === "." || next === "["))
      best = at;
  }
  const origin = origins.get(best);
  if (origin !== undefined) return origin + path.slice(best.length);
  return path === "" ? "base" : `base${path.startsWith("[") ? "" : "."}${path}`;
}

const MOST_SHOWN = 4;

function where({ params }: Point): string {
  const all = Object.entries(params).map(([name, value]) => `${name} = ${value}`);
  const shown = all.slice(0, MOST_SHOWN).join(", ");
  return `where ${shown}${all.length > MOST_SHOWN ? ", …" : ""}`;
}

function checkObjective(given: unknown, spec: JobSpec, mistakes: Mistakes): Objective | undefined {
  const monitored = spec.early_stopping?.monitor ?? (spec.validation ? "val_loss" : "loss");
  let objective: { metric: string; mode?: "min" | "max" | undefined } = { metric: monitored };
  if (given !== undefined) {
    const read = Objective.safeParse(given, { reportInput: true });
    if (!read.success) {
      tell(read.error, Objective, "objective", mistakes);
      return undefined;
    }
    objective = read.data;
    checkMonitor(objective.metric, spec, spec.validation !== null, "objective.metric", mistakes);
  }
  const { metric, mode } = objective;
  const completed = completeEarlyStopping(EarlyStopping.parse({ monitor: metric, ...(mode && { mode }) }));
  return { metric, mode: completed?.mode ?? "min" };
}
