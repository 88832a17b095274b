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
  for (const theirs of Object.keys(rename)) {
    if ([...found.keys()].some((name) => isWithin(name, theirs))) continue;
    mistakes.add(
      joinPath("model.init.rename", theirs),
      () =>
        `that model has no layer or weight of this name${nearest(theirs, [...found.keys(), ...[...found.keys()].map(layerOf)])}`,
    );
  }
  const taken = new Map<string, string>();
  for (const name of found.keys()) {
    const here = nameHere(name, rename);
    const other = taken.get(here);
    if (other !== undefined)
      mistakes.add(
        "model.init.rename",
        `both ${JSON.stringify(other)} and ${JSON.stringify(name)} become ${JSON.stringify(here)}`,
      );
    taken.set(here, name);
  }
  checkFit(renamed(found, rename), only, model, path, mistakes);
}

/** Each name by the longest part of it that `rename` knows. */
export function renamed<T>(found: ReadonlyMap<string, T>, rename: Readonly<Record<string, string>>): Map<string, T> {
  return new Map(Array.from(found, ([name, value]) => [nameHere(name, rename), value]));
}

function nameHere(name: string, rename: Readonly<Record<string, string>>): string {
  const known = Object.keys(rename).sort((a, b) => b.length - a.length);
  const theirs = known.find((part) => isWithin(name, part));
  if (theirs === undefined) return name;
  const rest = name.slice(theirs.length);
  return rename[theirs] === "" ? rest.slice(1) : `${rename[theirs]}${rest}`;
}

const isWithin = (name: string, part: string): boolean => name === part || name.startsWith(`${part}.`);

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
  const misfits = [...found].flatMap(([name, shape]) => {
    if (!isTaken(name, only)) return [];
    const expected = own.get(name);
    if (expected && sameShape(shape, expected)) return [];
    return [{ name, shape, expected }];
  });
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
  return Object.fromEntries([...weights].filter(([name]) => isTaken(name, only)));
}

function isTaken(name: string, only: readonly string[] | null): boolean {
  return only === null || only.some((wanted) => isWithin(name, wanted));
}

function tellUnknown(
  only: readonly string[],
  found: ReadonlyMap<string, Shape>,
  whose: string,
  mistakes: Mistakes,
): void {
  const layers = new Set([...found.keys()].map(layerOf));
  only.forEach((wanted, i) => {
    if ([...found.keys()].some((name) => isTaken(name, [wanted]))) return;
    // The number next to a layer's is no slip of the pen.
    const near =
      (/^[\d.]+$/.test(wanted) ? "" : nearest(wanted, [...found.keys(), ...layers])) ||
      `; it has ${[...layers].slice(0, 8).join(", ")}`;
    mistakes.add(
      joinPath("model.init.only", i),
      `that ${whose} has no layer or weight ${JSON.stringify(wanted)} with weights${near}`,
    );
  });
}

/** Which layers can be taken nevertheless. */
function whatFits(names: readonly string[], misfits: readonly { readonly name: string }[]): string {
  const fitting = [...new Set(names.map(layerOf))].filter(
    (layer) => !misfits.some(({ name }) => isWithin(name, layer)),
  );
  return fitting.length === 0 ? "" : `; take what fits with "only": ${JSON.stringify(fitting)}`;
}

/** `2.0.weight` → `2.0` */
const layerOf = (name: string): string => name.slice(0, name.lastIndexOf("."));
