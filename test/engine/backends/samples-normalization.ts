/** Random calls of the normalisation instructions, in the views that the layers make; see samples.ts. */
import fc from "fast-check";
import type { Call } from "./samples.ts";
import { Source } from "./source.ts";

interface View {
  readonly source: Source;
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
  readonly features: number;
  readonly spread: number;
}

const small = fc.integer({ min: 1, max: 9 });
const sizes = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  n: small,
  c: small,
  k: fc.integer({ min: 1, max: 4 }),
  s: fc.integer({ min: 1, max: 11 }),
});

/** Batch, layer and group normalisation of [n, c·k, s] (k channels to a group). */
const view: fc.Arbitrary<View> = fc
  .tuple(sizes, fc.constantFrom("batch", "layer", "group"))
  .map(([{ seed, n, c, k, s }, kind]) => {
    const source = new Source(seed);
    if (kind === "batch") return { source, outer: n, channels: c, inner: s, features: c, spread: s };
    if (kind === "layer") return { source, outer: 1, channels: n, inner: c * s, features: c * s, spread: 1 };
    return { source, outer: 1, channels: n * c, inner: k * s, features: c * k, spread: s };
  });

const floats = (n: number) => new Float32Array(n);
const count = ({ outer, channels, inner }: View) => outer * channels * inner;

const normalizing = (names: readonly string[], flags: (source: Source) => number) =>
  view.map((given): Call => {
    const { source, outer, channels, inner, features, spread } = given;
    const arrays = {
      out: floats(count(given)),
      g: source.floats(count(given)),
      x: source.floats(count(given)),
      mean: source.floats(channels),
      rstd: source.positive(channels),
      weight: source.floats(features),
      bias: source.floats(features),
    };
    return {
      arrays: Object.fromEntries(Object.entries(arrays).filter(([name]) => names.includes(name))),
      params: { outer, channels, inner, features, spread, flags: flags(source) },
    };
  });

export const normalizationSamples = {
  moments: view.map((given): Call => {
    const { source, outer, channels, inner } = given;
    const [mean, variance, rstd] = [floats(channels), floats(channels), floats(channels)];
    return {
      arrays: { mean, variance, rstd, x: source.floats(count(given)) },
      params: { outer, channels, inner, uncentred: source.integer(0, 1), eps: 0.01 },
    };
  }),
  normalize: normalizing(["out", "x", "mean", "rstd", "weight", "bias"], (source) => source.integer(0, 3)),
  normalizeBackward: normalizing(
    ["out", "g", "x", "mean", "rstd", "weight"],
    (source) => [0, 1, 4, 5][source.integer(0, 3)]!,
  ),
  normalizeWeightBackward: view.map((given): Call => {
    const { source, channels, inner, features, spread } = given;
    const n = count(given);
    return {
      arrays: {
        ...{ out: floats(features), g: source.floats(n), x: source.floats(n) },
        ...{ mean: source.floats(channels), rstd: source.positive(channels) },
      },
      params: { n, channels, inner, features, spread },
    };
  }),
  trackMoments: fc.tuple(sizes, fc.constantFrom(-1, 0, 0.1)).map(([{ seed, n, c }, momentum]): Call => {
    const source = new Source(seed);
    return {
      arrays: {
        ...{
          runningMean: source.floats(c),
          runningVariance: source.positive(c),
          count: Float32Array.of(source.integer(0, 9)),
        },
        ...{ mean: source.floats(n * c), variance: source.positive(n * c) },
      },
      params: { rows: n, channels: c, counted: momentum < 0 ? 1 : source.integer(0, 1), momentum, correction: 1.25 },
    };
  }),
} satisfies Record<string, fc.Arbitrary<Call>>;
