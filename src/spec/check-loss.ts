/** The loss against the last layer's output and the targets. */
import type { LossDefinition, TargetInfo } from "../engine/definitions.ts";
import type { DataFacts } from "./data-facts.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

/** `path` is where the targets stand: `data` or `validation`. */
export function checkLoss(
  loss: LossDefinition,
  args: Record<string, unknown>,
  model: ResolvedModel,
  facts: DataFacts,
  path: "data" | "validation",
  mistakes: Mistakes,
): void {
  if (facts.target === undefined) return;
  const target = checkIndices(facts, facts.target, model, mistakes);
  for (const { field, message } of loss.check(args, model.output, target, model.range)) {
    // What holds for both is told once, with the training data.
    const told = mistakes.list.some((mistake) => mistake.message === message);
    if (!told) mistakes.add(field === undefined ? (path === "data" ? "loss" : path) : joinPath("loss", field), message);
  }
}

/** Names the first target whose class is out of range, where rows are at hand; the loss then need not say it again. */
function checkIndices(facts: DataFacts, target: TargetInfo, model: ResolvedModel, mistakes: Mistakes): TargetInfo {
  const outputs = model.output[0];
  const max = target.max ?? 0;
  if (target.kind !== "index" || outputs === undefined || max < outputs || !facts.raw || facts.classes) return target;
  const { targets } = facts.raw;
  const at = targets.values.findIndex((value) => value >= outputs);
  const { text, place } = targets.place(Math.floor(at / targets.width), at % targets.width);
  const range = `the last layer has ${outputs} ${outputs === 1 ? "output, so the only class is 0" : `outputs, so classes are 0 … ${outputs - 1}`}`;
  mistakes.add(place.path ?? "data", `${text}${targets.values[at]} is out of range: ${range}`);
  const { max: _told, ...rest } = target;
  return rest;
}
