/** The inference thread: keeps the models that were asked last ready on the engine, and writes model files. */
import { parentPort, workerData } from "node:worker_threads";
import { applyPreprocess, DataError } from "../../data/index.ts";
import { createWasmBackend, encodeSafetensors, modelWeights } from "../../engine/index.ts";
import { requireInputNumbers } from "../../spec/index.ts";
import { VERSION } from "../../version.ts";
import { nest } from "./interpret-outputs.ts";
import { ModelCache } from "./model-cache.ts";
import type { ModelFacts, Result, ResultMessage, Task, TaskMessage } from "./protocol.ts";

if (!parentPort) throw new Error("inference-thread.ts runs as a worker thread; inference.ts starts it.");
const port = parentPort;
// One thread: the cores are for training.
const cache = new ModelCache(await createWasmBackend({ threads: 1 }), Number(workerData.cacheBytes));

port.on("message", ({ id, task }: TaskMessage) => {
  const message: ResultMessage = { id, result: perform(task) };
  port.postMessage(message, transferable(message.result));
});

function perform(task: Task): Result {
  try {
    return task.kind === "predict" ? predict(task) : writeFile(task);
  } catch (error) {
    if (error instanceof DataError) return { kind: "mistake", path: error.path ?? "inputs", message: error.message };
    return { kind: "broken", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function predict({ key, rows, model: parts }: Extract<Task, { kind: "predict" }>): Result {
  const model = parts ? cache.add(key, parts) : cache.get(key);
  if (!model) return { kind: "model needed" };
  const { inputs, count } = applyPreprocess(model.preprocess, rows);
  requireInputNumbers(model.layers, { inputs, inputShape: model.preprocess.shape });
  const { outputs, outputShape } = model.predictor.predict(inputs, count, model.preprocess.shape);
  return { kind: "prediction", prediction: { outputs, count, outputShape } };
}

function writeFile({ format, checkpoint, which, about }: Extract<Task, { kind: "export" }>): Result {
  const weights = modelWeights(checkpoint, which);
  if (format === "safetensors") return { kind: "file", bytes: encodeSafetensors(weights, metadataOf(about)) };
  const nested = [...weights].map(([name, { shape, data }]) => [name, nest(data, shape)]);
  return {
    kind: "file",
    bytes: new TextEncoder().encode(JSON.stringify({ ...about, weights: Object.fromEntries(nested) })),
  };
}

/** safetensors holds strings alone; `format: "pt"` tells other readers that names and shapes are PyTorch's. */
function metadataOf({ checkpoint, spec, preprocess, classes, ...about }: ModelFacts): Record<string, string> {
  return {
    format: "pt",
    producer: `epochd ${VERSION}`,
    job_id: about.job_id,
    ...(about.name !== null && { name: about.name }),
    checkpoint: JSON.stringify(checkpoint),
    spec: JSON.stringify(spec),
    preprocess: JSON.stringify(preprocess),
    ...(classes && { classes: JSON.stringify(classes) }),
  };
}

/** Moved rather than copied, where the buffer is the result's alone. */
function transferable(result: Result): ArrayBuffer[] {
  const bytes = result.kind === "file" ? result.bytes : result.kind === "prediction" ? result.prediction.outputs : null;
  return bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
