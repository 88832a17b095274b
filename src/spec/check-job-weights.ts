/** `model.init.job_id` and `model_id`: weights of a job or an import that fit this model by name and shape. */
import { nearest } from "../data/nearest-name.ts";
import { type Shape, sameShape, showShape } from "../engine/definitions.ts";
import type { Weights } from "../engine/nn/module.ts";
import { shapesOf } from "./check-weights.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import type { InitFromJob, InitFromModel } from "./job-spec.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

/** The weights that a job has stored, by name; or a sentence that says why there are none. */
export type FindWeights = (jobId: string, which: "last" | "best") => Promise<ReadonlyMap<string, Shape> | string>;

/** The same of an imported model. */
export type FindModel = (modelId: string) => Promise<ReadonlyMap<string, Shape> | string>;

export interface SourcesOfWeights {
  /** What jobs have trained; without it a spec can't start from one. */
  readonly weights?: FindWeights;
  /** What was imported; without it a spec can't start from that. */
  readonly models?: FindModel;
}

export async function checkJobWeights(
  { job_id, checkpoint, only }: InitFromJob,
  model: ResolvedModel | undefined,
  find: FindWeights = async () => "there are no trained jobs here",
  mistakes: Mistakes,
): Promise<void> {
  const path = "model.init.job_id";
  const found = await find(job_id, checkpoint);
  if (typeof found === "string") return mistakes.add(path, found);
  checkFit(found, only, model, path, mistakes);
}

export async function checkModelWeights(
  { model_id, rename, only }: InitFromModel,
  model: ResolvedModel | undefined,
  find: FindModel = async () => "there are no imported models here",
  mistakes: Mistakes,
): Promise<void> {
  const path = "model.init.model_id";
  const found = await find(model_id);
  if (typeof found === "string") return mistakes.add(path, found);
  const theirPlaces = placesOf(found.keys());
  for (const theirs of Object.keys(rename)) {
    if (theirPlaces.has(theirs)) continue;
    mistakes.add(
      joinPath("model.init.rename", theirs),
      () => `that model has no layer or weight of this name${nearest(theirs, theirPlaces)}`,
    );
  }
  const here = renamer(rename);
  const taken = new Map<string, string>();
  for (const name of found.keys()) {
    const ours = here(name);
    const other = taken.get(ours);
    if (other !== undefined) {
      const both = `both ${JSON.stringify(other)} and ${JSON.stringify(name)}`;
      mistakes.add("model.init.rename", `${both} become ${JSON.stringify(ours)}`);
    }
    taken.set(ours, name);
  }
  checkFit(renamed(found, rename), only, model, path, mistakes);
}

/** Each name by the longest part of it that `rename` knows. */
export function renamed<T>(found: ReadonlyMap<string, T>, rename: Readonly<Record<string, string>>): Map<string, T> {
  const here = renamer(rename);
  return new Map(Array.from(found, ([name, value]) => [here(name), value]));
}

function renamer(rename: Readonly<Record<string, string>>): (name: string) => string {
  const known = new Map(Object.entries(rename));
  return (name) => {
    const theirs = partsOf(name).find((part) => known.has(part));
    if (theirs === undefined) return name;
    const ours = known.get(theirs) ?? "";
    const rest = name.slice(theirs.length);
    return ours === "" ? rest.slice(1) : ours + rest;
  };
}

/** `2.0.weight` → itself, `2.0`, `2` */
function partsOf(name: string): string[] {
  const parts = [name];
  for (let end = name.lastIndexOf("."); end > 0; end = name.lastIndexOf(".", end - 1)) parts.push(name.slice(0, end));
  return parts;
}

/** The names of weights, and of all that holds them. */
const placesOf = (names: Iterable<string>): Set<string> => new Set([...names].flatMap(partsOf));

function checkFit(
  found: ReadonlyMap<string, Shape>,
  only: readonly string[] | null,
  model: ResolvedModel | undefined,
  path: string,
  mistakes: Mistakes,
): void {
  const whose = path.endsWith("job_id") ? "job" : "model";
  if (only !== null) tellUnknown(only, found, whose, mistakes);
  if (model === undefined) return;

  const own = shapesOf(model);
  const isTaken = takes(only);
  const misfits = [...found].flatMap(([name, shape]) => {
    if (!isTaken(name)) return [];
    const expected = own.get(name);
    if (expected && sameShape(shape, expected)) return [];
    return [{ name, shape, expected }];
  });
  if (misfits.length === 0) return;
  const fitting = whatFits([...found.keys()], misfits);
  const prefix = whose === "model" ? prefixOf([...found.keys()], own) : null;
  for (const { name, shape, expected } of misfits) {
    const misfit = expected
      ? `its ${JSON.stringify(name)} has shape ${showShape(shape)}, expected ${showShape(expected)}${isTurned(shape, expected) ? ": it lies the other way round; save tensor.T.contiguous(), or numpy.ascontiguousarray(array.T)" : ""}`
      : `it has a weight ${JSON.stringify(name)}, which this model has not`;
    mistakes.add(path, () => {
      if (prefix !== null) return `${misfit}; take the prefix away with "rename": ${JSON.stringify({ [prefix]: "" })}`;
      const layer = whose === "model" && !expected ? layerLike(name, shape, own, found) : undefined;
      const rename =
        layer === undefined
          ? ""
          : `; say where it belongs with "rename", such as ${JSON.stringify({ [layerOf(name)]: layer })}`;
      return `${misfit}${rename}${fitting}`;
    });
  }
}

/** DataParallel's `module`, torch.compile's `_orig_mod`: a first part of all names, without which they are this model's. */
function prefixOf(names: readonly string[], own: ReadonlyMap<string, Shape>): string | null {
  const prefix = names[0]?.split(".")[0];
  return prefix !== undefined &&
    names.every((name) => name.startsWith(`${prefix}.`) && own.has(name.slice(prefix.length + 1)))
    ? prefix
    : null;
}

const isTurned = (shape: Shape, expected: Shape): boolean =>
  shape.length === 2 && sameShape(shape.toReversed(), expected);

/** A layer of this model that has such a weight, and gets none yet. */
function layerLike(name: string, shape: Shape, own: ReadonlyMap<string, Shape>, found: ReadonlyMap<string, Shape>) {
  const part = name.slice(layerOf(name).length);
  const like = [...own].find(
    ([each, its]) => each === layerOf(each) + part && !found.has(each) && sameShape(its, shape),
  );
  return like && layerOf(like[0]);
}

/** Those of a job's weights that `only` names, by themselves or by the layer that holds them. */
export function takenWeights(
  weights: ReadonlyMap<string, Weights>,
  only: readonly string[] | null,
): Record<string, Weights> {
  const isTaken = takes(only);
  return Object.fromEntries([...weights].filter(([name]) => isTaken(name)));
}

function takes(only: readonly string[] | null): (name: string) => boolean {
  if (only === null) return () => true;
  const wanted = new Set(only);
  return (name) => partsOf(name).some((part) => wanted.has(part));
}

function tellUnknown(
  only: readonly string[],
  found: ReadonlyMap<string, Shape>,
  whose: string,
  mistakes: Mistakes,
): void {
  const places = placesOf(found.keys());
  only.forEach((wanted, i) => {
    if (places.has(wanted)) return;
    // The number next to a layer's is no slip of the pen.
    const near = (): string =>
      (/^[\d.]+$/.test(wanted) ? "" : nearest(wanted, places)) ||
      `; it has ${[...new Set([...found.keys()].map(layerOf))].slice(0, 8).join(", ")}`;
    mistakes.add(
      joinPath("model.init.only", i),
      () => `that ${whose} has no layer or weight ${JSON.stringify(wanted)} with weights${near()}`,
    );
  });
}

/** Which layers can be taken nevertheless. */
function whatFits(names: readonly string[], misfits: readonly { readonly name: string }[]): string {
  const spoiled = placesOf(misfits.map(({ name }) => name));
  const fitting = [...new Set(names.map(layerOf))].filter((layer) => !spoiled.has(layer));
  return fitting.length === 0 ? "" : `; take what fits with "only": ${JSON.stringify(fitting)}`;
}

/** `2.0.weight` → `2.0` */
const layerOf = (name: string): string => name.slice(0, name.lastIndexOf("."));
