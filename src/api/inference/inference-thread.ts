/** The inference thread: keeps the models that were asked last ready on the engine, and writes model files. */
import { parentPort, workerData } from "node:worker_threads";
import { createWasmBackend, encodeSafetensors, modelWeights } from "../../engine/index.ts";
import { VERSION } from "../../version.ts";
import { answerRows, attempt } from "./answer-rows.ts";
import { nest } from "./interpret-outputs.ts";
import { ModelCache } from "./model-cache.ts";
import type { ExportTask, ModelFacts, PredictTask, Result, ResultMessage, TaskMessage } from "./protocol.ts";

if (!parentPort) throw new Error("inference-thread.ts runs as a worker thread; inference.ts starts it.");
const port = parentPort;
// One thread: the cores are for training.
const cache = new ModelCache(await createWasmBackend({ threads: 1 }), Number(workerData.cacheBytes));

/** Tasks that have come and are not done. Those of one turn of the event loop are done together. */
let waiting: TaskMessage[] = [];

port.on("message", (messages: readonly TaskMessage[]) => {
  if (waiting.length === 0) setImmediate(work);
  waiting.push(...messages);
});

function work(): void {
  const taken = waiting;
  waiting = [];
  const results: ResultMessage[] = [];
  for (const questions of byModel(taken)) {
    const answers = answersTo(questions);
    for (const [i, { id }] of questions.entries()) {
      const result = answers[i];
      if (result) results.push({ id, result });
    }
  }
  for (const { id, task } of taken) {
    if (task.kind === "export") results.push({ id, result: attempt(() => writeFile(task)) });
  }
  port.postMessage(results, results.flatMap(transferable));
}

interface PredictMessage {
  readonly id: number;
  readonly task: PredictTask;
}

function byModel(messages: readonly TaskMessage[]): Iterable<PredictMessage[]> {
  const groups = new Map<string, PredictMessage[]>();
  for (const { id, task } of messages) {
    if (task.kind !== "predict") continue;
    const group = groups.get(task.key);
    if (group) group.push({ id, task });
    else groups.set(task.key, [{ id, task }]);
  }
  return groups.values();
}

function answersTo(questions: readonly PredictMessage[]): readonly Result[] {
  const answers = attempt(() => answerAll(questions.map(({ task }) => task)));
  return "kind" in answers ? questions.map(() => answers) : answers;
}

/** Questions to one model: one of them may bring it. */
function answerAll(tasks: readonly PredictTask[]): Result[] {
  const [{ key } = { key: "" }] = tasks;
  const parts = tasks.find(({ model }) => model)?.model;
  const model = parts ? cache.add(key, parts) : cache.get(key);
  if (!model) return tasks.map(() => ({ kind: "model needed" }));
  return answerRows(
    cache,
    model,
    tasks.map(({ question }) => question),
  );
}

function writeFile({ format, checkpoint, which, about }: ExportTask): Result {
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
function transferable({ result }: ResultMessage): ArrayBuffer[] {
  const bytes = result.kind === "file" || result.kind === "answer" ? result.bytes : null;
  return bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
