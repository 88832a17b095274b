/** Walks a sample's shape through all layers: completes their arguments, and finds what does not fit. */
import { describe } from "../data/inline.ts";
import {
  layers as definitions,
  type LayerDefinition,
  type ParameterSpec,
  type Shape,
  ShapeError,
  showShape,
} from "../engine/definitions.ts";
import { type Checked, checkComponent } from "./check-component.ts";
import { type Component, MAX_LAYERS } from "./job-spec.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

/** One layer whose arguments are complete. */
export interface ResolvedLayer {
  /** `0`, `1` … as in PyTorch's Sequential. */
  readonly name: string;
  readonly spec: Component;
  readonly output: Shape;
  readonly flops: number;
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  readonly buffers: Readonly<Record<string, ParameterSpec>>;
}

export interface ResolvedModel {
  readonly layers: readonly ResolvedLayer[];
  readonly output: Shape;
  /** What the outputs are known to lie in. */
  readonly range: readonly [number, number] | undefined;
}

/** Layers that give on what they get, so that their output lies where their input does. */
const keepsRange = new Set(["Flatten", "Identity"]);

/** Undefined when the output can't be known; `input` is undefined when the data's shape is not. */
export function checkLayers(given: unknown, input: Shape | undefined, mistakes: Mistakes): ResolvedModel | undefined {
  const path = "model.layers";
  if (!Array.isArray(given) || given.length === 0) {
    const problem = given === undefined ? "is required: " : "expects ";
    mistakes.add(
      path,
      `${problem}an array of at least one layer${given === undefined ? "" : `, got ${describe(given)}`}`,
    );
    return undefined;
  }
  if (given.length > MAX_LAYERS) {
    mistakes.add(
      path,
      `has ${given.length.toLocaleString("en-US")} layers, at most ${MAX_LAYERS.toLocaleString("en-US")} are taken`,
    );
    return undefined;
  }
  const checked = Array.from(given, (layer: unknown, i) =>
    checkComponent(layer, "layer", definitions, joinPath(path, i), mistakes),
  );
  const shape = input ?? declaredInput(checked[0]?.args);
  const model = shape && followShape(checked, shape, mistakes);
  return input && model;
}

/** When the data's shape is not known, the first layer is believed, so that the layers after it can be checked. */
function declaredInput(args: Record<string, unknown> | undefined): Shape | undefined {
  const features = args?.["in_features"];
  return typeof features === "number" ? [features] : undefined;
}

function followShape(
  checked: readonly (Checked<LayerDefinition> | undefined)[],
  input: Shape,
  mistakes: Mistakes,
): ResolvedModel | undefined {
  const resolved: ResolvedLayer[] = [];
  let shape = input;
  let range: ResolvedModel["range"];
  for (const [i, layer] of checked.entries()) {
    if (layer?.args === undefined) return undefined;
    const found = resolve(layer.definition, layer.args, shape, i, checked, mistakes);
    if (found === undefined) return undefined;
    const { type } = layer.definition;
    resolved.push({
      name: String(i),
      spec: { type, ...found.args },
      output: found.output,
      flops: found.flops,
      parameters: layer.definition.parameters(found.args),
      buffers: layer.definition.buffers(found.args),
    });
    shape = found.output;
    range = keepsRange.has(type) ? range : layer.definition.range;
  }
  return { layers: resolved, output: shape, range };
}

/** After a mistake it goes on with the argument as it should have been, so that later layers are checked too. */
function resolve(
  definition: LayerDefinition,
  args: Record<string, unknown>,
  input: Shape,
  i: number,
  checked: readonly (Checked<LayerDefinition> | undefined)[],
  mistakes: Mistakes,
): ReturnType<LayerDefinition["resolve"]> | undefined {
  try {
    return definition.resolve(args, input);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const { field } = error;
    const path = joinPath("model.layers", i, ...(field === undefined ? [] : [field]));
    mistakes.add(path, explain(error, input, i, checked));
    if (field === undefined || args[field] === undefined) return undefined;
    const { [field]: _wrong, ...others } = args;
    return tryResolve(definition, others, input);
  }
}

function tryResolve(definition: LayerDefinition, args: Record<string, unknown>, input: Shape) {
  const parsed = definition.args.safeParse(args);
  if (!parsed.success) return undefined;
  try {
    return definition.resolve(parsed.data, input);
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}

/** `expects 64, got 32` → `expects 64, the output of layer 1 (ReLU), got 32`: where the number comes from. */
function explain(
  error: ShapeError,
  input: Shape,
  i: number,
  checked: readonly (Checked<LayerDefinition> | undefined)[],
): string {
  const source = i === 0 ? "the data" : `layer ${i - 1} (${checked[i - 1]?.definition.type})`;
  const [, wanted, got] = /^expects (\S+), got (.+)$/.exec(error.message) ?? [];
  if (wanted !== undefined) {
    const what = i === 0 ? "the size of the data's samples" : `the output of ${source}`;
    return `expects ${wanted}, ${what}, got ${got}`;
  }
  return `${error.message} (${source} gives ${showShape(input)})`;
}
