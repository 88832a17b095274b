/** `model.init.job_id`: a job that has trained, whose weights fit this model by name and shape. */
import { nearest } from "../data/nearest-name.ts";
import { type Shape, sameShape, showShape } from "../engine/definitions.ts";
import type { Weights } from "../engine/nn/module.ts";
import { shapesOf } from "./check-weights.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import type { InitFromJob } from "./job-spec.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

/** The weights that a job has stored, by name; or a sentence that says why there are none. */
export type FindWeights = (jobId: string, which: "last" | "best") => Promise<ReadonlyMap<string, Shape> | string>;

export async function checkJobWeights(
  { job_id, checkpoint, only }: InitFromJob,
  model: ResolvedModel | undefined,
  find: FindWeights = async () => "there are no trained jobs here",
  mistakes: Mistakes,
): Promise<void> {
  const path = "model.init.job_id";
  const found = await find(job_id, checkpoint);
  if (typeof found === "string") return mistakes.add(path, found);
  if (only !== null) tellUnknown(only, found, mistakes);
  if (model === undefined) return;

  const own = shapesOf(model);
  const misfits = [...found].flatMap(([name, shape]) => {
    if (!isTaken(name, only)) return [];
    const expected = own.get(name);
    if (expected && sameShape(shape, expected)) return [];
    return [{ name, shape, expected }];
  });
  for (const { name, shape, expected } of misfits) {
    const misfit = expected
      ? `its ${JSON.stringify(name)} has shape ${showShape(shape)}, expected ${showShape(expected)}`
      : `it has a weight ${JSON.stringify(name)}, which this model has not`;
    mistakes.add(path, `${misfit}${advice([...found.keys()], new Set(misfits.map((each) => each.name)))}`);
  }
}

/** Those of a job's weights that `only` names, by themselves or by the layer that holds them. */
export function takenWeights(
  weights: ReadonlyMap<string, Weights>,
  only: readonly string[] | null,
): Record<string, Weights> {
  return Object.fromEntries([...weights].filter(([name]) => isTaken(name, only)));
}

function isTaken(name: string, only: readonly string[] | null): boolean {
  return only === null || only.some((wanted) => name === wanted || name.startsWith(`${wanted}.`));
}

function tellUnknown(only: readonly string[], found: ReadonlyMap<string, Shape>, mistakes: Mistakes): void {
  const layers = new Set([...found.keys()].map(layerOf));
  only.forEach((wanted, i) => {
    if ([...found.keys()].some((name) => isTaken(name, [wanted]))) return;
    // The number next to a layer's is no slip of the pen.
    const near =
      (/^[\d.]+$/.test(wanted) ? "" : nearest(wanted, [...found.keys(), ...layers])) ||
      `; it has ${[...layers].slice(0, 8).join(", ")}`;
    mistakes.add(
      joinPath("model.init.only", i),
      `that job has no layer or weight ${JSON.stringify(wanted)} with weights${near}`,
    );
  });
}

/** Which layers can be taken nevertheless. */
function advice(names: readonly string[], misfits: ReadonlySet<string>): string {
  const spoiled = new Set([...misfits].map(layerOf));
  const fitting = [...new Set(names.map(layerOf))].filter((layer) => !spoiled.has(layer));
  return fitting.length === 0 ? "" : `; take what fits with "only": ${JSON.stringify(fitting)}`;
}

/** `2.0.weight` → `2.0` */
const layerOf = (name: string): string => name.slice(0, name.lastIndexOf("."));
