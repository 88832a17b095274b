/** Small generated data sets, defined as scikit-learn's namesakes are. Rows depend on samples, noise and seed alone. */
import { RandomStream } from "../random.ts";

export interface GeneratedSet {
  readonly summary: string;
  readonly task: "classification" | "regression";
  readonly features: readonly string[];
  readonly target: string;
  readonly noise: number;
  /** Gives row i without noise: the features, then the target. `random` is for sets whose points are drawn. */
  readonly points: (samples: number, random: RandomStream) => (i: number) => readonly number[];
  /** Where the noise goes: to the features, or to the target (regression). */
  readonly noiseOn: "features" | "target";
}

export const DEFAULT_SAMPLES = 500;

const plane = ["x", "y"] as const;

export const generatedSets = {
  xor: {
    summary:
      "The corners of a square in turn; the class is 1 where exactly one coordinate is 1. 4 samples without noise: the classic.",
    task: "classification",
    features: plane,
    target: "class",
    noise: 0.1,
    noiseOn: "features",
    points: () => (i) => {
      const [x, y] = [(i >> 1) & 1, i & 1];
      return [x, y, x ^ y];
    },
  },
  moons: {
    summary: "Two interleaving half circles (make_moons).",
    task: "classification",
    features: plane,
    target: "class",
    noise: 0.1,
    noiseOn: "features",
    points: (samples) => (i) => {
      const outer = Math.floor(samples / 2);
      if (i < outer) return [...onCircle(Math.PI * fraction(i, outer)), 0];
      const [x, y] = onCircle(Math.PI * fraction(i - outer, samples - outer));
      return [1 - x, 0.5 - y, 1];
    },
  },
  circles: {
    summary: "A circle of radius 0.8 within one of radius 1 (make_circles).",
    task: "classification",
    features: plane,
    target: "class",
    noise: 0.05,
    noiseOn: "features",
    points: (samples) => (i) => {
      const outer = Math.floor(samples / 2);
      if (i < outer) return [...onCircle((2 * Math.PI * i) / outer), 0];
      const [x, y] = onCircle((2 * Math.PI * (i - outer)) / (samples - outer));
      return [0.8 * x, 0.8 * y, 1];
    },
  },
  spiral: {
    summary: "Two spirals of one and a half turns each, wound into each other.",
    task: "classification",
    features: plane,
    target: "class",
    noise: 0.02,
    noiseOn: "features",
    points: (samples) => (i) => {
      const label = i % 2;
      const radius = (Math.floor(i / 2) + 1) / Math.ceil(samples / 2);
      const [x, y] = onCircle(3 * Math.PI * radius + Math.PI * label);
      return [radius * x, radius * y, label];
    },
  },
  blobs: {
    summary: "Three round clusters with centres drawn from [−10, 10]² (make_blobs); noise is their standard deviation.",
    task: "classification",
    features: plane,
    target: "class",
    noise: 1,
    noiseOn: "features",
    points: (_samples, random) => {
      const centres = Array.from({ length: 3 }, () => [random.uniform(-10, 10), random.uniform(-10, 10)]);
      return (i) => [...(centres[i % 3] ?? []), i % 3];
    },
  },
  sine: {
    summary: "y = sin(x) for x drawn from [−π, π]: regression on one feature.",
    task: "regression",
    features: ["x"],
    target: "y",
    noise: 0.1,
    noiseOn: "target",
    points: (_samples, random) => () => {
      const x = random.uniform(-Math.PI, Math.PI);
      return [x, Math.sin(x)];
    },
  },
} satisfies Record<string, GeneratedSet>;

/** Row-major, features then target; shuffled by the seed, as scikit-learn does. */
export function generate(set: GeneratedSet, samples: number, noise: number, seed: number): Float64Array {
  const width = set.features.length + 1;
  const values = new Float64Array(samples * width);
  const rowAt = set.points(samples, new RandomStream(seed, "points"));
  const jitter = new RandomStream(seed, "noise");
  const order = new RandomStream(seed, "order").permutation(samples);
  for (let i = 0; i < samples; i++) {
    const point = rowAt(i);
    const at = (order[i] ?? 0) * width;
    for (let c = 0; c < width; c++) {
      const isTarget = c === width - 1;
      const noisy = isTarget === (set.noiseOn === "target");
      values[at + c] = (point[c] ?? 0) + (noisy ? jitter.normal(0, noise) : 0);
    }
  }
  return values;
}

const onCircle = (angle: number): [number, number] => [Math.cos(angle), Math.sin(angle)];

/** NumPy's linspace(0, 1, count)[i] */
const fraction = (i: number, count: number): number => (count > 1 ? i / (count - 1) : 0);
