/** `model`: its layers, and the weights to start from. */
import { describe } from "../data/inline.ts";
import type { Shape } from "../engine/definitions.ts";
import { isRecord } from "./check-component.ts";
import { checkLayers } from "./check-layers.ts";
import { checkWeights } from "./check-weights.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import { Model, ModelInit } from "./job-spec.ts";
import { joinPath, type Mistakes, parseOr, unknownField } from "./mistakes.ts";

export interface CheckedModel {
  /** Undefined when a mistake hides what comes out. */
  readonly resolved: ResolvedModel | undefined;
  readonly init: ModelInit | null;
}

export function checkModel(given: unknown, input: Shape | undefined, mistakes: Mistakes): CheckedModel {
  if (!isRecord(given)) {
    const wanted = 'an object with "layers"';
    mistakes.add("model", given === undefined ? `is required: ${wanted}` : `expects ${wanted}, got ${describe(given)}`);
    return { resolved: undefined, init: null };
  }
  const known = Object.keys(Model.shape);
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) mistakes.add(joinPath("model", name), () => unknownField(name, known));
  }
  const resolved = checkLayers(given["layers"], input, mistakes);
  return { resolved, init: checkInit(given["init"], resolved, mistakes) };
}

function checkInit(given: unknown, model: ResolvedModel | undefined, mistakes: Mistakes): ModelInit | null {
  if (given === undefined || given === null) return null;
  if (!isRecord(given)) {
    mistakes.add("model.init", `expects an object with "weights", got ${describe(given)}`);
    return null;
  }
  const init = parseOr(ModelInit, given, "model.init", mistakes);
  if (init && model) checkWeights(init.weights, model, mistakes);
  return init ?? null;
}
