/** Definitions of layers made of layers: Residual and Sequential. */
import { z } from "zod";
import { elementCount, type Shape, ShapeError, sameShape, showShape } from "../shape.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import type { Module } from "./module.ts";
import type { ParameterSpec } from "./parameter.ts";
import { buildLayer, type LayerSpec, layerSchema, readSpec } from "./registry.ts";
import { Residual } from "./residual.ts";
import { Sequential } from "./sequential.ts";

/** Anew for each definition: in JSON Schema a schema that two of them shared would be a cycle without a name. */
const makeArgs = () =>
  z.strictObject({ layers: z.array(z.lazy(layerSchema)).min(1).max(1000).describe("Layers, one after another") });

interface ResolvedList {
  readonly layers: LayerSpec[];
  readonly output: Shape;
  readonly flops: number;
  readonly smallestBatch: number;
  readonly innerValues: number;
}

/** Every layer against the output of the one before. A mistake's field leads to it: `layers[1].in_features`. */
function resolveList(specs: readonly Readonly<Record<string, unknown>>[], input: Shape): ResolvedList {
  const resolved: LayerSpec[] = [];
  let [output, flops, smallestBatch, innerValues] = [input, 0, 1, 0];
  for (const [i, spec] of specs.entries()) {
    try {
      const { definition, args: given } = readSpec(spec);
      const found = definition.resolve(given, output);
      resolved.push({ type: definition.type, ...found.args });
      output = found.output;
      innerValues += (found.innerValues ?? 0) + elementCount(output);
      flops += found.flops;
      smallestBatch = Math.max(smallestBatch, found.smallestBatch ?? 1);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new ShapeError(error.message, `layers[${i}]${error.field === undefined ? "" : `.${error.field}`}`);
    }
  }
  return { layers: resolved, output, flops, smallestBatch, innerValues };
}

/** What the layers hold, each name behind the layer's place, as PyTorch's nested Sequential has it: `1.weight`. */
function joined(
  specs: readonly Readonly<Record<string, unknown>>[],
  of: (definition: LayerDefinition, args: Record<string, unknown>) => Readonly<Record<string, ParameterSpec>>,
): Record<string, ParameterSpec> {
  return Object.fromEntries(
    specs.flatMap((spec, i) => {
      const { definition, args: given } = readSpec(spec);
      const held = of(definition, given);
      return Object.entries(held).map(([name, spec]): [string, ParameterSpec] => [`${i}.${name}`, spec]);
    }),
  );
}

function define(
  type: string,
  summary: string,
  finish: (list: ResolvedList, input: Shape) => Partial<ResolvedList>,
  create: (layers: readonly Module[]) => Module,
): LayerDefinition<ReturnType<typeof makeArgs>> {
  return defineLayer({
    type,
    summary,
    args: makeArgs(),
    holdsLayers: true,
    resolve(given, input) {
      const list = resolveList(given.layers, input);
      const { layers, ...rest } = { ...list, ...finish(list, input) };
      return { args: { layers }, ...rest };
    },
    parameters: (given) => joined(given.layers, (definition, own) => definition.parameters(own)),
    buffers: (given) => joined(given.layers, (definition, own) => definition.buffers(own)),
    create: (given) => create(given.layers.map(buildLayer)),
  });
}

export const residualLayer = define(
  "Residual",
  "x + f(x), where f is the given layers one after another",
  ({ output, flops }, input) => {
    if (!sameShape(output, input)) {
      throw new ShapeError(
        `x + f(x) needs layers that give back the shape they get, ${showShape(input)}, and these give ${showShape(output)}`,
        "layers",
      );
    }
    return { flops: flops + elementCount(input) };
  },
  (layers) => new Residual(...layers),
);

export const sequentialLayer = define(
  "Sequential",
  "Layers one after another, as one",
  () => ({}),
  (layers) => new Sequential(...layers),
);
