/** Walks a sample's shape through all layers: completes their arguments, and finds what does not fit. */
import { type LayerDefinition, type ParameterSpec, type Shape, ShapeError, showShape } from "../engine/definitions.ts";
import type { CheckedLayer, LayerList } from "./check-layers.ts";
import type { Component } from "./job-spec.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

/** One layer whose arguments are complete. */
export interface ResolvedLayer {
  /** `0`, `1` … as in PyTorch's Sequential; `1.0` inside of layer 1. */
  readonly name: string;
  readonly spec: Component;
  readonly output: Shape;
  /** Of its own: what layers inside of it compute or hold stands with those. */
  readonly flops: number;
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  readonly buffers: Readonly<Record<string, ParameterSpec>>;
  /** Numbers of one sample that training keeps beside the output. */
  readonly innerValues: number;
  /** Fewest samples that a training batch may have. */
  readonly smallestBatch: number;
}

export interface ResolvedModel {
  /** All layers; one that holds layers comes right before those. */
  readonly layers: readonly ResolvedLayer[];
  /** The complete specs as they nest. */
  readonly specs: readonly Component[];
  readonly output: Shape;
  /** What the outputs are known to lie in. */
  readonly range: readonly [number, number] | undefined;
}

/** Layers that give on what they get, so that their output lies where their input does. */
const keepsRange = new Set(["Flatten", "Identity"]);

/** Where a layer's input comes from, for messages. */
interface Source {
  /** `the data`, `layer 1 (ReLU)` */
  readonly name: string;
  readonly isData: boolean;
}

const DATA: Source = { name: "the data", isData: true };

const sourceOf = ({ name, definition }: CheckedLayer): Source => ({
  name: `layer ${name} (${definition.type})`,
  isData: false,
});

/** `layers` gets those that could be followed, also when one after them could not. */
export function followShape(
  checked: LayerList,
  input: Shape,
  mistakes: Mistakes,
  layers: ResolvedLayer[] = [],
  source: Source = DATA,
): ResolvedModel | undefined {
  const specs: Component[] = [];
  let shape = input;
  let from = source;
  let range: ResolvedModel["range"];
  for (const layer of checked) {
    const found = layer && followLayer(layer, shape, from, mistakes);
    if (!found) return undefined;
    layers.push(...found.layers);
    specs.push(...found.specs);
    shape = found.output;
    if (!keepsRange.has(layer.definition.type)) range = found.range;
    from = sourceOf(layer);
  }
  return { layers, specs, output: shape, range };
}

/** One layer, with those that it holds. */
function followLayer(layer: CheckedLayer, input: Shape, source: Source, mistakes: Mistakes): ResolvedModel | undefined {
  const { definition, name } = layer;
  if (layer.args === undefined) return undefined;
  let args = layer.args;
  let inner: ResolvedModel | undefined;
  if (definition.holdsLayers) {
    inner = layer.inner && followShape(layer.inner, input, mistakes, [], source);
    if (inner === undefined) return undefined;
    args = { ...args, layers: inner.specs };
  }
  const found = resolve({ ...layer, args }, input, source, mistakes);
  if (found === undefined) return undefined;
  const held = inner?.layers ?? [];
  const spec: Component = { type: definition.type, ...found.args };
  const own: ResolvedLayer = {
    name,
    spec,
    output: found.output,
    flops: found.flops - held.reduce((sum, { flops }) => sum + flops, 0),
    parameters: inner ? {} : definition.parameters(found.args),
    buffers: inner ? {} : definition.buffers(found.args),
    innerValues: inner ? 0 : (found.innerValues ?? 0),
    smallestBatch: inner ? 1 : (found.smallestBatch ?? 1),
  };
  const range = definition.type === "Sequential" ? inner?.range : definition.range;
  return { layers: [own, ...held], specs: [spec], output: found.output, range };
}

/** After a mistake it goes on with the argument as it should have been, so that later layers are checked too. */
function resolve(
  { definition, args, path }: CheckedLayer & { readonly args: Record<string, unknown> },
  input: Shape,
  source: Source,
  mistakes: Mistakes,
): ReturnType<LayerDefinition["resolve"]> | undefined {
  try {
    return definition.resolve(args, input);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const { field } = error;
    mistakes.add(joinPath(path, ...(field === undefined ? [] : [field])), explain(error, input, source));
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
function explain(error: ShapeError, input: Shape, source: Source): string {
  const [, wanted, got] = /^expects (\S+), got (.+)$/.exec(error.message) ?? [];
  if (wanted !== undefined) {
    const what = source.isData ? "the size of the data's samples" : `the output of ${source.name}`;
    return `expects ${wanted}, ${what}, got ${got}`;
  }
  return `${error.message} (${source.name} gives ${showShape(input)})`;
}
