/**
 * The rows of a data set for which predictions are told, and what is known of them whatever the model is: found once, and kept as
 * long as the data, for all jobs that train on it.
 */
import { nestNumbers } from "../data/nest-numbers.ts";
import type { PreparedData } from "../data/prepare-data.ts";
import { undoPreprocess } from "../data/undo-preprocess.ts";
import { type Examples, elementCount } from "../engine/index.ts";

const MOST_ROWS = 1000;
/** Inputs, outputs and targets together. */
const MOST_NUMBERS = 131_072;
/** Rows with more values are not told. */
const MOST_VALUES = 1024;
/** Those that a 32-bit number may need. */
const DIGITS = 9;

export interface SampledRows {
  readonly count: number;
  /** One row after another, as the first layer gets them. */
  readonly inputs: Float32Array;
  /**
   * The beginning of a JSON object, up to the comma behind its `inputs`, as they stand in the data and unless they are too large,
   * and its `targets`. In memory that other threads may read: it is the most of what is told, and the same for all.
   */
  readonly facts: Uint8Array<SharedArrayBuffer>;
}

const sampled = new WeakMap<Examples, SampledRows>();

/** Of the validation data where there are any; `outputs`: how many numbers a model gives for a row. */
export function sampledRows({ train, validation, preprocess }: PreparedData, outputs: number): SampledRows {
  const examples = validation ?? train;
  const { inputShape, targetShape } = examples;
  const values = elementCount(preprocess.rawShape);
  const told = values > MOST_VALUES ? 0 : values;
  const most = Math.floor(MOST_NUMBERS / (told + outputs + elementCount(targetShape)));
  const count = Math.max(1, Math.min(examples.count, MOST_ROWS, most));
  const known = sampled.get(examples);
  if (known?.count === count) return known;

  const inputs = spread(examples.inputs, examples.count, new Float32Array(count * elementCount(inputShape)), count);
  const targets = spread(examples.targets, examples.count, new Float64Array(count * elementCount(targetShape)), count);
  const facts = JSON.stringify({
    ...(told > 0 && { inputs: undoPreprocess(preprocess, inputs) }),
    targets: nestNumbers(targets, [count, ...targetShape], DIGITS),
  });
  const rows = { count, inputs, facts: inSharedMemory(`${facts.slice(0, -1)},`) };
  sampled.set(examples, rows);
  return rows;
}

function inSharedMemory(text: string): Uint8Array<SharedArrayBuffer> {
  const bytes = Buffer.from(text);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** Fills `into` with `count` rows, evenly spread, of the `rows` rows that `values` holds. */
function spread<T extends Float32Array | Float64Array>(
  values: Float32Array | Int32Array,
  rows: number,
  into: T,
  count: number,
): T {
  const width = into.length / count;
  for (let i = 0; i < count; i++) {
    const row = Math.floor((i * rows) / count);
    into.set(values.subarray(row * width, (row + 1) * width), i * width);
  }
  return into;
}
