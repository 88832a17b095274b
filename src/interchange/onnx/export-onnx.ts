/** A trained model as an ONNX file, with its preprocessing, and with labels and probabilities where it tells classes. */

import { VERSION } from "../../version.ts";
import { placeLayers } from "../layer-rules.ts";
import type { TrainedFile } from "../trained-file.ts";
import { Graph } from "./graph.ts";
import { writeLayers } from "./layers.ts";
import { encodeModel, type ValueInfo } from "./model.ts";
import { prepare, takesText } from "./preparation.ts";

export function exportOnnx({ about, layers, weights }: TrainedFile, version = VERSION): Uint8Array<ArrayBuffer> {
  const { preprocess, classes } = about;
  const output = placeLayers(layers, preprocess.shape).at(-1)?.output ?? preprocess.shape;
  const graph = new Graph(weights);
  const prepared = prepare(graph, "inputs", preprocess);
  const outputs = graph.named("outputs", writeLayers(graph, prepared, layers, preprocess.shape));
  const told = output.length === 1 ? interpret(graph, outputs, about.loss, output[0] ?? 0, classes) : [];
  const inputs = {
    name: "inputs",
    type: takesText(preprocess) ? "string" : "float",
    shape: ["N", ...preprocess.rawShape],
  } as const;
  return encodeModel({
    producer: "epochd",
    version,
    doc: `Job ${about.job_id}, after epoch ${about.checkpoint.epoch}.`,
    graph: graph.build(
      about.name ?? about.job_id,
      [inputs],
      [{ name: outputs, type: "float", shape: ["N", ...output] }, ...told],
    ),
    metadata: {
      job_id: about.job_id,
      checkpoint: JSON.stringify(about.checkpoint),
      spec: JSON.stringify(about.spec),
      preprocess: JSON.stringify(preprocess),
      ...(preprocess.features && { features: JSON.stringify(preprocess.features) }),
      ...(classes && { classes: JSON.stringify(classes) }),
    },
  });
}

/** As `predict` tells them: the classes' probabilities, and the label of the most probable one. */
function interpret(
  graph: Graph,
  outputs: string,
  loss: string,
  width: number,
  classes: readonly string[] | null,
): ValueInfo[] {
  const made = probabilities(graph, outputs, loss, width, classes);
  if (made === null) return [];
  const named = graph.named("probabilities", made);
  const best = graph.op("ArgMax", [named], { axis: 1, keepdims: 0 });
  const labels = graph.named(
    "labels",
    classes ? graph.op("Gather", [graph.strings(classes), best], { axis: 0 }) : best,
  );
  return [
    { name: named, type: "float", shape: ["N", loss.startsWith("BCE") ? 2 : width] },
    { name: labels, type: classes ? "string" : "int64", shape: ["N"] },
  ];
}

function probabilities(
  graph: Graph,
  outputs: string,
  loss: string,
  width: number,
  classes: readonly string[] | null,
): string | null {
  const ofTwo = (second: string): string | null => {
    if (width !== 1 || classes?.length !== 2) return null;
    return graph.op("Concat", [graph.op("Sub", [graph.scalar(1), second]), second], { axis: 1 });
  };
  switch (loss) {
    case "CrossEntropyLoss":
      return graph.op("Softmax", [outputs], { axis: 1 });
    case "NLLLoss":
      return graph.op("Exp", [outputs]);
    case "BCELoss":
      return ofTwo(outputs);
    case "BCEWithLogitsLoss":
      return width === 1 && classes?.length === 2 ? ofTwo(graph.op("Sigmoid", [outputs])) : null;
    default:
      return null;
  }
}
