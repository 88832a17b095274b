/** Random calls of the optimizers beyond SGD and Adam. */
import fc from "fast-check";
import type { Call } from "./samples.ts";
import { Source } from "./source.ts";

/** State tensors by name, each of positive numbers; hyper and scalars as the instruction table lists them. */
function sample(
  state: readonly string[],
  hyper: (source: Source) => readonly number[],
  scalars: (step: number) => readonly number[] = (step) => [step],
): fc.Arbitrary<Call> {
  const seed = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  return fc
    .record({ seed, n: fc.integer({ min: 0, max: 70 }), flags: fc.nat(7), step: fc.nat(9) })
    .map(({ seed, n, flags, step }) => {
      const source = new Source(seed);
      const arrays = Object.fromEntries(state.map((name) => [name, source.positive(n)]));
      return {
        arrays: {
          param: source.floats(n),
          ...arrays,
          scalars: Float64Array.from(scalars(step)),
          grad: source.floats(n),
          hyper: Float64Array.from(hyper(source)),
        },
        params: { n, flags },
      };
    });
}

const sometimes = (source: Source, value: number): number => source.integer(0, 1) * value;

export const optimizerSamples = {
  rmsprop: sample(["squareAvg", "gradAvg", "momentum"], (s) => [0.01, 0.9, 1e-3, sometimes(s, 0.1), 0.8]).map(
    (call) => ({
      ...call,
      // A variance: the mean of squares is above the square of the mean.
      arrays: { ...call.arrays, gradAvg: Float32Array.from(call.arrays["squareAvg"] ?? [], (v) => Math.sqrt(v) / 2) },
    }),
  ),
  adagrad: sample(["sum"], (s) => [0.1, sometimes(s, 0.2), sometimes(s, 0.1), 1e-10]),
  adadelta: sample(["squareAvg", "accDelta"], (s) => [1, 0.9, 1e-3, sometimes(s, 0.1)]),
  adamax: sample(["expAvg", "expInf"], (s) => [0.02, 0.9, 0.99, 1e-8, sometimes(s, 0.1)]),
  nadam: sample(
    ["expAvg", "expAvgSq"],
    (s) => [0.02, 0.9, 0.99, 1e-8, sometimes(s, 0.1), 0.004],
    (step) => [step, 0.9 ** step],
  ),
  radam: sample(["expAvg", "expAvgSq"], (s) => [0.02, 0.9, 0.99, 1e-8, sometimes(s, 0.1)]),
  rprop: sample(["previous", "stepSize"], () => [0.01, 0.5, 1.2, 1e-6, 50]),
  asgd: sample(
    ["average"],
    (s) => [0.1, 0.01, 0.75, s.integer(0, 9), sometimes(s, 0.1)],
    (step) => [step, 0.09, step > 4 ? 0.5 : 1],
  ),
  lion: sample(["expAvg"], (s) => [0.01, 0.9, 0.99, sometimes(s, 0.1)]),
};
