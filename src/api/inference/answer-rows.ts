/**
 * Answers questions to one model: rows are read, prepared, predicted and written as JSON. Questions that came at the same
 * time are predicted in one forward pass; none of them can tell.
 */
import { applyPreprocess, DataError } from "../../data/index.ts";
import { requireInputNumbers } from "../../spec/index.ts";
import { ProblemError } from "../problems.ts";
import { interpretOutputs, nest } from "./interpret-outputs.ts";
import type { ModelCache, ReadyModel } from "./model-cache.ts";
import { readJsonRows, readLines } from "./predict-request.ts";
import type { Question, Result } from "./protocol.ts";

/** A question of more rows fills a forward pass alone. */
const MOST_SHARED_ROWS = 256;

interface Prepared {
  readonly question: Question;
  readonly inputs: Float32Array;
  readonly count: number;
}

interface Outputs {
  readonly values: Float32Array;
  /** Of one sample. */
  readonly shape: readonly number[];
}

/** One result for each question, in their order. */
export function answerRows(cache: ModelCache, model: ReadyModel, questions: readonly Question[]): Result[] {
  const read = questions.map((question) => attempt(() => prepare(model, question)));
  const isShared = (one: Prepared): boolean => one.count <= MOST_SHARED_ROWS && !model.predictor.mixesSamples;
  const shared = read.filter((one): one is Prepared => !("kind" in one) && isShared(one));
  const together = shared.length > 1 ? attempt(() => predict(cache, model, joined(shared))) : null;
  let row = 0;
  return read.map((one) => {
    if ("kind" in one) return one;
    if (!together || !isShared(one)) return attempt(() => answer(model, one, predict(cache, model, one)));
    if ("kind" in together) return together;
    row += one.count;
    return attempt(() => answer(model, one, rowsOf(together, row - one.count, row)));
  });
}

function prepare({ layers, preprocess }: ReadyModel, question: Question): Prepared {
  const preparedFrom = (rows: readonly unknown[]): Prepared => {
    const { inputs, count } = applyPreprocess(preprocess, rows);
    requireInputNumbers(layers, { inputs, inputShape: preprocess.shape }, "inputs");
    return { question, inputs, count };
  };
  if (question.format === "json") return preparedFrom(readJsonRows(question.bytes));
  const { rows, numbers } = readLines(question.bytes, question.line);
  if (rows.length === 0) return { question, inputs: new Float32Array(0), count: 0 };
  return byLine(numbers, () => preparedFrom(rows));
}

/** Mistakes name the line that they stand in, where they would name the row. */
function byLine<T>(numbers: readonly number[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const [whole = "", at = String((error.row ?? 1) - 1)] = /^inputs\[(\d+)\]/.exec(error.path ?? "") ?? ["inputs"];
    const path = `line ${numbers[Number(at)]}${error.path?.slice(whole.length) ?? ""}`;
    throw new DataError(error.message.replace(/^sample [\d,]+: /, ""), { path });
  }
}

function predict(cache: ModelCache, model: ReadyModel, { inputs, count }: Pick<Prepared, "inputs" | "count">): Outputs {
  const { outputs, outputShape } = cache.predict(model, inputs, count);
  return { values: outputs, shape: outputShape };
}

function joined(questions: readonly Prepared[]): Pick<Prepared, "inputs" | "count"> {
  const inputs = new Float32Array(questions.reduce((sum, one) => sum + one.inputs.length, 0));
  let at = 0;
  for (const one of questions) {
    inputs.set(one.inputs, at);
    at += one.inputs.length;
  }
  return { inputs, count: questions.reduce((sum, { count }) => sum + count, 0) };
}

function rowsOf({ values, shape }: Outputs, from: number, to: number): Outputs {
  const width = shape.reduce((a, b) => a * b, 1);
  return { values: values.subarray(from * width, to * width), shape };
}

function answer({ loss, classes, at }: ReadyModel, { question, count }: Prepared, { values, shape }: Outputs): Result {
  const outputs = nest(values, [count, ...shape]);
  const rows = Array.isArray(outputs) ? outputs : [outputs];
  // Only a flat row of outputs is one number per class.
  const { labels, probabilities } = shape.length <= 1 ? interpretOutputs(loss, values, shape[0] ?? 1, classes) : {};
  if (question.format === "json") {
    const named = probabilities && classes ? { classes } : {};
    return bytesOf(JSON.stringify({ outputs: rows, labels, probabilities, ...named, checkpoint: at }), count);
  }
  const lines = rows.map(
    (output, i) => `${JSON.stringify({ output, label: labels?.[i], probabilities: probabilities?.[i] })}\n`,
  );
  return bytesOf(lines.join(""), count);
}

const encoder = new TextEncoder();
const bytesOf = (text: string, rows: number): Result => ({ kind: "answer", bytes: encoder.encode(text), rows });

type Failure = Extract<Result, { kind: "refused" | "broken" }>;

/** What was made, or why it could not be. */
export function attempt<T>(make: () => T): T | Failure {
  try {
    return make();
  } catch (error) {
    if (error instanceof ProblemError) {
      const { problem, message, errors = [] } = error;
      return { kind: "refused", problem, detail: message, errors: [...errors] };
    }
    if (error instanceof DataError) {
      const { path = "inputs", message } = error;
      return {
        kind: "refused",
        problem: "invalid-inputs",
        detail: `${path}: ${message}`,
        errors: [{ path, message }],
      };
    }
    return { kind: "broken", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
