/** The optimizer against the weights that it is to train. */
import { type OptimizerDefinition, showShape } from "../engine/definitions.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import type { Mistakes } from "./mistakes.ts";

/** Tells of the first weight whose shape the optimizer does not take. */
export function checkOptimizer({ type, takes }: OptimizerDefinition, model: ResolvedModel, mistakes: Mistakes): void {
  const weights = model.layers.flatMap(({ name, parameters }) =>
    Object.entries(parameters).map(([weight, { shape }]) => ({ name: `${name}.${weight}`, shape })),
  );
  const other = weights.find(({ shape }) => takes && !takes(shape));
  if (!other) return;
  const way = other.name.endsWith("bias")
    ? "; set bias to false, or take another optimizer"
    : "; take another optimizer";
  mistakes.add(
    "optimizer",
    `${type} trains matrices alone, but ${other.name} has shape ${showShape(other.shape)}${way}`,
  );
}
