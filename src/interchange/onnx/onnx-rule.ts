/** What a rule for ONNX gets besides its layer: the graph, and the name of the layer's input there. It gives its output's name. */
import type { Graph } from "./graph.ts";

export interface OnnxContext {
  readonly graph: Graph;
  readonly x: string;
}
