/** Every layer as ONNX has it, by type; and models, which are layers one after another. */
import type { Shape } from "../../engine/definitions.ts";
import { residualLayer, sequentialLayer } from "../../engine/nn/nested.ts";
import { type LayerRule, placeLayers, rule } from "../layer-rules.ts";
import type { Graph } from "./graph.ts";
import type { OnnxContext } from "./onnx-rule.ts";
import { activationRules } from "./rules/activations.ts";
import { attentionRules } from "./rules/attention.ts";
import { convolutionRules } from "./rules/convolutions.ts";
import { normRules } from "./rules/norms.ts";
import { poolingRules } from "./rules/pooling.ts";
import { recurrentRules } from "./rules/recurrent.ts";
import { shapeRules } from "./rules/shapes.ts";

export const onnxRules: ReadonlyMap<string, LayerRule<OnnxContext, string>> = new Map([
  ...shapeRules,
  ...activationRules,
  ...convolutionRules,
  ...poolingRules,
  ...normRules,
  ...recurrentRules,
  ...attentionRules,
  rule(sequentialLayer, ({ name, args, input }, { graph, x }: OnnxContext) =>
    writeLayers(graph, x, args.layers, input, `${name}.`),
  ),
  rule(residualLayer, ({ name, args, input }, { graph, x }: OnnxContext) =>
    graph.op("Add", [x, writeLayers(graph, x, args.layers, input, `${name}.`)]),
  ),
]);

/** Gives the name of what comes out. */
export function writeLayers(
  graph: Graph,
  x: string,
  specs: readonly Readonly<Record<string, unknown>>[],
  input: Shape,
  prefix = "",
): string {
  const outer = graph.scope;
  const output = placeLayers(specs, input, prefix).reduce((value, layer) => {
    const write = onnxRules.get(layer.type);
    if (!write) throw new Error(`There is no rule for ${layer.type} in ONNX.`);
    graph.scope = `${layer.name}.${layer.type}`;
    return write(layer, { graph, x: value });
  }, x);
  graph.scope = outer;
  return output;
}
