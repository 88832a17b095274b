/** What a model's outputs mean, which its loss decides: probabilities of classes, and the most probable class. */
import { nestNumbers } from "../../data/nest-numbers.ts";

export interface Interpretation {
  /** The class with the highest probability, one per row: its label, or its number where it has none. */
  labels?: (string | number | null)[];
  /** One row per input, one column per class. */
  probabilities?: number[][];
}

/** `outputs` is flattened; a row has `width` numbers. */
export function interpretOutputs(
  loss: string,
  outputs: Float32Array,
  width: number,
  classes: readonly string[] | null,
): Interpretation {
  const rows = Array.from({ length: width === 0 ? 0 : outputs.length / width }, (_, row) =>
    outputs.subarray(row * width, (row + 1) * width),
  );
  const probabilities = rows.map((row) => probabilitiesOf(loss, row, classes));
  if (!probabilities.every((row) => row !== null)) return {};
  return {
    labels: probabilities.map((row) => {
      const best = row.indexOf(Math.max(...row));
      return best === -1 ? null : (classes?.[best] ?? best);
    }),
    probabilities: probabilities.map((row) => row.map(shortest)),
  };
}

function probabilitiesOf(loss: string, row: Float32Array, classes: readonly string[] | null): number[] | null {
  switch (loss) {
    case "CrossEntropyLoss":
      return softmax(row);
    case "NLLLoss":
      return [...row].map(Math.exp);
    case "BCELoss":
      return ofTwo(row, classes, (output) => output);
    case "BCEWithLogitsLoss":
      return ofTwo(row, classes, (output) => 1 / (1 + Math.exp(-output)));
    default:
      return null;
  }
}

/** One output for two classes is the probability of the second. Without classes the targets were numbers of their own. */
function ofTwo(row: Float32Array, classes: readonly string[] | null, probability: (output: number) => number) {
  const [output] = row;
  if (output === undefined || row.length !== 1 || classes?.length !== 2) return null;
  const second = probability(output);
  return [1 - second, second];
}

function softmax(row: Float32Array): number[] {
  const most = Math.max(...row);
  const powers = [...row].map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

const SHORTEST_DIGITS = 9;

/** The fewest digits that still give the same 32-bit number. */
export function shortest(value: number): number {
  return Number(value.toPrecision(SHORTEST_DIGITS));
}

/** Flat numbers as nested arrays; those that are not finite become null in JSON. */
export const nest = (values: ArrayLike<number>, shape: readonly number[]): unknown =>
  nestNumbers(values, shape, SHORTEST_DIGITS);
