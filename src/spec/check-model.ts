/** `model`: its layers, and the weights to start from. */
import { describe } from "../data/inline.ts";
import type { Shape } from "../engine/definitions.ts";
import { isRecord } from "./check-component.ts";
import { checkJobWeights, checkModelWeights, type SourcesOfWeights } from "./check-job-weights.ts";
import { checkLayers } from "./check-layers.ts";
import { checkWeights } from "./check-weights.ts";
import type { ResolvedLayer, ResolvedModel } from "./follow-shape.ts";
import { InitFromJob, InitFromModel, InitFromWeights, Model, type ModelInit } from "./job-spec.ts";
import { joinPath, type Mistakes, unknownField } from "./mistakes.ts";
import { parseForm } from "./parse-form.ts";

export interface CheckedModel {
  /** Undefined when a mistake hides what comes out. */
  readonly resolved: ResolvedModel | undefined;
  readonly init: ModelInit | null;
  /** The layers whose output is known, whatever is wrong with others. */
  readonly followed: readonly ResolvedLayer[];
}

const initForms = { weights: InitFromWeights, job_id: InitFromJob, model_id: InitFromModel };

export async function checkModel(
  given: unknown,
  input: Shape | undefined,
  sources: SourcesOfWeights,
  mistakes: Mistakes,
): Promise<CheckedModel> {
  if (!isRecord(given)) {
    const wanted = 'an object with "layers"';
    mistakes.add("model", given === undefined ? `is required: ${wanted}` : `expects ${wanted}, got ${describe(given)}`);
    return { resolved: undefined, init: null, followed: [] };
  }
  const known = Object.keys(Model.shape);
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) mistakes.add(joinPath("model", name), () => unknownField(name, known));
  }
  const { resolved, followed } = checkLayers(given["layers"], input, mistakes);
  return { resolved, followed, init: await checkInit(given["init"], resolved, sources, mistakes) };
}

async function checkInit(
  given: unknown,
  model: ResolvedModel | undefined,
  sources: SourcesOfWeights,
  mistakes: Mistakes,
): Promise<ModelInit | null> {
  if (given === undefined || given === null) return null;
  const init = parseForm(given, initForms, "model.init", mistakes);
  if (init === undefined) return null;
  if ("job_id" in init) await checkJobWeights(init, model, sources.weights, mistakes);
  else if ("model_id" in init) await checkModelWeights(init, model, sources.models, mistakes);
  else if (model) checkWeights(init.weights, model, mistakes);
  return init;
}
