/** The inference thread: keeps the models that were asked last ready on the engine, and writes model files. */
import { parentPort, workerData } from "node:worker_threads";
import { createWasmBackend, encodeSafetensors } from "../../engine/index.ts";
import { ImportError } from "../../interchange/import-error.ts";
import { modelFormats } from "../../interchange/model-file.ts";
import { readWeightsFile } from "../../interchange/read-weights-file.ts";
import { NotExpressibleError } from "../../interchange/trained-file.ts";
import { summarise } from "../problems.ts";
import { answerRows, attempt } from "./answer-rows.ts";
import { ModelCache } from "./model-cache.ts";
import type { ExportTask, ImportTask, PredictTask, Result, ResultMessage, TaskMessage } from "./protocol.ts";

if (!parentPort) throw new Error("inference-thread.ts runs as a worker thread; inference.ts starts it.");
const port = parentPort;
// One thread: the cores are for training.
const backend = await createWasmBackend({ threads: 1 });
const cache = new ModelCache(backend, Number(workerData.cacheBytes));

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
    if (task.kind === "import") results.push({ id, result: attempt(() => readFile(task)) });
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

function writeFile({ format, source }: ExportTask): Result {
  try {
    return { kind: "file", bytes: modelFormats[format].write(source, backend) };
  } catch (error) {
    if (!(error instanceof NotExpressibleError)) throw error;
    const { path, message } = error;
    return { kind: "refused", problem: "not-expressible", detail: `${path}: ${message}`, errors: [{ path, message }] };
  }
}

function readFile({ bytes }: ImportTask): Result {
  try {
    const { format, weights, layers } = readWeightsFile(bytes);
    const tensors = Array.from(weights, ([name, { shape }]) => ({ name, shape: [...shape] }));
    const model = layers && { layers: layers.map((layer) => ({ ...layer, type: String(layer["type"]) })) };
    return { kind: "imported", format, tensors, model, weights: encodeSafetensors(weights) };
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    const errors = [...error.mistakes];
    return { kind: "refused", problem: "invalid-model", detail: summarise(errors, "the model"), errors };
  }
}

/** Moved rather than copied, where the buffer is the result's alone. */
function transferable({ result }: ResultMessage): ArrayBuffer[] {
  const bytes = result.kind === "file" || result.kind === "answer" ? result.bytes : null;
  return bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
