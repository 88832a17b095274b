/** What outputs mean, as the service interprets those of a prediction: its probe events hold them as the last layer gives them. */

/** The probability of each class; null where the loss makes no classes of the outputs. `classes`: how many have labels. */
export function probabilitiesOf(loss: string, output: readonly number[], classes: number): number[] | null {
  switch (loss) {
    case "CrossEntropyLoss":
      return softmax(output);
    case "NLLLoss":
      return output.map(Math.exp);
    case "BCELoss":
      return ofTwo(output, classes, (value) => value);
    case "BCEWithLogitsLoss":
      return ofTwo(output, classes, (value) => 1 / (1 + Math.exp(-value)));
    default:
      return null;
  }
}

function ofTwo(output: readonly number[], classes: number, probability: (value: number) => number): number[] | null {
  const [value] = output;
  if (value === undefined || output.length !== 1 || classes !== 2) return null;
  const second = probability(value);
  return [1 - second, second];
}

function softmax(output: readonly number[]): number[] {
  const most = Math.max(...output);
  const powers = output.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** One output as numbers; null where it is nested deeper. What is not finite is NaN. */
export function numbersIn(output: unknown): number[] | null {
  const values: readonly unknown[] = Array.isArray(output) ? output : [output];
  const numbers = values.map((value) => (typeof value === "number" ? value : value === null ? Number.NaN : undefined));
  return numbers.every((value) => value !== undefined) ? numbers : null;
}
