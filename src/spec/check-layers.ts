/** The layers of a spec, read one by one: known types, readable arguments, and those that hold layers from within. */
import { describe } from "../data/inline.ts";
import { layers as definitions, type LayerDefinition, type Shape } from "../engine/definitions.ts";
import { type Checked, checkComponent, isRecord } from "./check-component.ts";
import { followShape, type ResolvedLayer, type ResolvedModel } from "./follow-shape.ts";
import { MAX_LAYERS } from "./job-spec.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

/** A layer whose arguments could be read, and where it stands. */
export interface CheckedLayer extends Checked<LayerDefinition> {
  readonly path: string;
  /** `0`, `1` … as in PyTorch's Sequential; `1.0` inside of layer 1. */
  readonly name: string;
  /** The layers inside, of one that holds layers; undefined where they can't be read. */
  readonly inner: LayerList | undefined;
}

/** Undefined stands for a layer that can't be read. */
export type LayerList = readonly (CheckedLayer | undefined)[];

/** Residual in Sequential in Residual …: deeper than any model needs. */
export const MAX_DEPTH = 8;

export interface CheckedLayers {
  /** Undefined when the output can't be known. */
  readonly resolved: ResolvedModel | undefined;
  /** Those whose output is known. */
  readonly followed: readonly ResolvedLayer[];
}

/** `input` is undefined when the data's shape is not known. */
export function checkLayers(given: unknown, input: Shape | undefined, mistakes: Mistakes): CheckedLayers {
  const checked = readList(given, "model.layers", "", { left: MAX_LAYERS, depth: 0 }, mistakes);
  if (checked === undefined) return { resolved: undefined, followed: [] };
  const shape = input ?? declaredInput(checked[0]?.args);
  const followed: ResolvedLayer[] = [];
  const model = shape && followShape(checked, shape, mistakes, followed);
  return { resolved: input && model, followed };
}

/** When the data's shape is not known, the first layer is believed, so that the layers after it can be checked. */
function declaredInput(args: Record<string, unknown> | undefined): Shape | undefined {
  const features = args?.["in_features"];
  return typeof features === "number" ? [features] : undefined;
}

/** How many layers may still come, counted over the whole model. */
interface Budget {
  left: number;
  readonly depth: number;
}

function readList(
  given: unknown,
  path: string,
  prefix: string,
  budget: Budget,
  mistakes: Mistakes,
): LayerList | undefined {
  if (!Array.isArray(given) || given.length === 0) {
    const problem = given === undefined ? "is required: " : "expects ";
    mistakes.add(
      path,
      `${problem}an array of at least one layer${given === undefined ? "" : `, got ${describe(given)}`}`,
    );
    return undefined;
  }
  budget.left -= given.length;
  if (budget.left < 0) {
    const most = `at most ${MAX_LAYERS.toLocaleString("en-US")} are taken`;
    const count = given.length.toLocaleString("en-US");
    mistakes.add(
      path,
      budget.depth === 0 ? `has ${count} layers, ${most}` : `${most} in all, those inside of others included`,
    );
    return undefined;
  }
  return Array.from(given, (layer: unknown, i) =>
    readLayer(layer, joinPath(path, i), `${prefix}${i}`, budget, mistakes),
  );
}

function readLayer(
  given: unknown,
  path: string,
  name: string,
  budget: Budget,
  mistakes: Mistakes,
): CheckedLayer | undefined {
  const own = withoutInner(given);
  const checked = checkComponent(own, "layer", readable(), path, mistakes);
  if (checked === undefined) return undefined;
  const definition = definitions.get(checked.definition.type) ?? checked.definition;
  if (!definition.holdsLayers) return { ...checked, definition, path, name, inner: undefined };

  const at = joinPath(path, "layers");
  const deeper = { left: budget.left, depth: budget.depth + 1 };
  if (deeper.depth > MAX_DEPTH) {
    mistakes.add(at, `is nested more than ${MAX_DEPTH} deep`);
    return undefined;
  }
  const inner = readList(isRecord(given) ? given["layers"] : undefined, at, `${name}.`, deeper, mistakes);
  budget.left = deeper.left;
  return { ...checked, definition, path, name, inner };
}

/** Without the layers inside, which are read one by one so that their mistakes are told as those of any layer. */
function withoutInner(given: unknown): unknown {
  if (!isRecord(given) || definitions.get(String(given["type"]))?.holdsLayers !== true) return given;
  const { layers: _inner, ...own } = given;
  return own;
}

let readableDefinitions: ReadonlyMap<string, LayerDefinition> | undefined;

/** The definitions with the arguments that are read here. */
function readable(): ReadonlyMap<string, LayerDefinition> {
  readableDefinitions ??= new Map(
    Array.from(definitions, ([type, definition]) => [
      type,
      definition.holdsLayers ? { ...definition, args: definition.args.omit({ layers: true }) } : definition,
    ]),
  );
  return readableDefinitions;
}
