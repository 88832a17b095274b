/** Probes: what follows from the data is filled in, and what the model could not be asked with is told. */
import { expect, test } from "vitest";
import { accepted, inline, iris, mistakesOf, votes } from "./specs-of-the-tests.ts";

const moons = { ...inline, epochs: 50, data: { builtin: "moons", samples: 100, noise: 0.1 } };

/** The complete probes of a spec. */
const probesOf = async (spec: object) => (await accepted(spec)).spec.probes;

test("without probes there are none", async () => {
  expect(await probesOf(moons)).toBeNull();
});

test("an empty grid is a plane over the first two columns, a little wider than the data", async () => {
  const probes = await probesOf({ ...moons, probes: { grid: {} } });
  expect(probes).toEqual({
    grid: {
      x: { feature: "x", min: expect.any(Number), max: expect.any(Number), points: 40 },
      y: { feature: "y", min: expect.any(Number), max: expect.any(Number), points: 40 },
      at: {},
    },
    every_epochs: 1,
  });
  const { x } = probes && "grid" in probes ? probes.grid : { x: { min: 0, max: 0 } };
  expect(x.min).toBeGreaterThan(-1.8);
  expect(x.min).toBeLessThan(-1);
  expect(x.max).toBeGreaterThan(2);
});

test("one column, or no y, is a curve", async () => {
  const sine = { ...inline, loss: "MSELoss", data: { builtin: "sine" }, epochs: 1000 };
  const model = { layers: [{ type: "Linear", out_features: 1 }] };
  expect(await probesOf({ ...sine, model, probes: { grid: {} } })).toMatchObject({
    grid: { x: { points: 100 }, y: null },
    every_epochs: 10,
  });
  const line = { grid: { x: { min: -1, max: 1, points: 5 }, y: null }, every_epochs: 3 };
  expect(await probesOf({ ...moons, probes: line })).toEqual({
    grid: { x: { feature: "x", min: -1, max: 1, points: 5 }, y: null, at: { y: expect.any(Number) } },
    every_epochs: 3,
  });
});

test("columns of a table are named, and the others hold their mean", async () => {
  const grid = { x: { feature: "petal_length" }, y: { feature: "petal_width", points: 10 }, at: { sepal_width: 3 } };
  expect(await probesOf({ ...iris, probes: { grid } })).toMatchObject({
    grid: {
      x: { feature: "petal_length", min: 0.7, max: 7.2 },
      y: { feature: "petal_width", points: 10 },
      at: { sepal_length: 5.84333, sepal_width: 3 },
    },
  });
});

test("columns without names are told apart by position", async () => {
  const probes = { grid: { x: { feature: 1 }, y: null } };
  expect(await probesOf({ ...inline, probes })).toMatchObject({
    grid: { x: { feature: 1, min: -0.05, max: 1.05 }, at: { 0: 0.5 } },
  });
});

test("words hold the first of their kind, and go through map and one_hot as they do for a prediction", async () => {
  const probes = { inputs: [Array.from({ length: 16 }, () => "y"), Array.from({ length: 16 }, () => "")] };
  expect(await probesOf({ ...votes, probes })).toEqual({ ...probes, every_epochs: 1 });
  const axis = { feature: "V3", min: 0, max: 1 };
  expect(await probesOf({ ...votes, probes: { grid: { x: axis, y: null } } })).toMatchObject({
    grid: { x: { feature: "V3", points: 100 }, at: { V1: "n" } },
  });
});

const mistakes: [string, object, object[]][] = [
  [
    "a form that is neither",
    { ...moons, probes: { points: 3 } },
    [{ path: "probes", message: 'expects an object with "inputs" or "grid"' }],
  ],
  [
    "rows of another width",
    { ...moons, probes: { inputs: [[1, 2, 3]] } },
    [{ path: "probes.inputs[0]", message: "has 3 values, but the model takes 2 (x, y)" }],
  ],
  [
    "a word where a number belongs",
    { ...moons, probes: { inputs: [[1, "a"]] } },
    [{ path: "probes.inputs[0][1]", message: expect.stringContaining('"a" is text, not a number') }],
  ],
  [
    "a missing value that nothing fills",
    { ...moons, probes: { inputs: [{ x: 1 }] } },
    [{ path: "probes.inputs[0].y", message: expect.stringContaining("the value is missing") }],
  ],
  [
    "a feature that is not there",
    { ...iris, probes: { grid: { x: { feature: "petal_lenght" } } } },
    [{ path: "probes.grid.x.feature", message: expect.stringContaining('did you mean "petal_length"?') }],
  ],
  [
    "the same feature twice",
    { ...moons, probes: { grid: { x: { feature: "x" }, y: { feature: "x" } } } },
    [{ path: "probes.grid.y.feature", message: expect.stringContaining("is the feature of x, too") }],
  ],
  [
    "an axis that runs backwards",
    { ...moons, probes: { grid: { x: { min: 2, max: 1 } } } },
    [{ path: "probes.grid.x", message: "runs from 2 to 1; min must be less than max" }],
  ],
  [
    "a column of words without bounds",
    { ...votes, probes: { grid: { x: { feature: "V3" }, y: null } } },
    [{ path: "probes.grid.x", message: '"V3" holds no numbers to tell from; give min and max' }],
  ],
  [
    "a value for a column that varies",
    { ...moons, probes: { grid: { at: { x: 1 } } } },
    [{ path: "probes.grid.at.x", message: "is what an axis runs along; leave it out here" }],
  ],
  [
    "a word that is no number, held all the way",
    { ...iris, probes: { grid: { at: { petal_width: "wide" } } } },
    [{ path: "probes.grid", message: expect.stringContaining('"wide" is text') }],
  ],
  [
    "more points than are taken",
    { ...moons, probes: { grid: { x: { points: 100 }, y: { points: 100 } } } },
    [{ path: "probes.grid", message: "has 10,000 points, at most 4,096 are taken" }],
  ],
  [
    "more numbers in all than are kept",
    { ...moons, epochs: 10_000, probes: { grid: {}, every_epochs: 1 } },
    [
      {
        path: "probes.every_epochs",
        message: expect.stringMatching(/^the job would tell 32,\d+,\d+ numbers .* at least 17,? /),
      },
    ],
  ],
  [
    "images",
    {
      ...inline,
      data: {
        inline: {
          inputs: [
            [
              [1, 2],
              [3, 4],
            ],
            [
              [1, 2],
              [3, 5],
            ],
          ],
          targets: [0, 1],
        },
      },
      model: { layers: [{ type: "Flatten" }, { type: "Linear", out_features: 2 }] },
      probes: { grid: {} },
    },
    [{ path: "probes.grid", message: expect.stringContaining("use probes.inputs") }],
  ],
  [
    "numbers that an embedding does not have",
    {
      ...inline,
      model: {
        layers: [
          { type: "Embedding", num_embeddings: 2, embedding_dim: 4 },
          { type: "Flatten" },
          { type: "Linear", out_features: 2 },
        ],
      },
      probes: { inputs: [[0, 7]] },
    },
    [{ path: "probes.inputs", message: expect.stringContaining("7 has no embedding") }],
  ],
];

test.each(mistakes)("%s is told where it stands", async (_, spec, expected) => {
  expect(await mistakesOf(spec)).toEqual(expected);
});

test("the least every_epochs that a mistake names is accepted", async () => {
  const spec = { ...moons, epochs: 10_000, probes: { grid: {}, every_epochs: 1 } };
  const [mistake] = await mistakesOf(spec);
  const least = Number(/at least ([\d,]+)/.exec(mistake?.message ?? "")?.[1]?.replaceAll(",", ""));
  await accepted({ ...spec, probes: { grid: {}, every_epochs: least } });
});
