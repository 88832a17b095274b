/** Data and validation, against statistics or row by row. */
import { describe, expect, test } from "vitest";
import { analyseCsv } from "../../src/data/csv/analyse-csv.ts";
import type { CheckContext } from "../../src/spec/index.ts";
import { chunks } from "../data/sources-of-the-tests.ts";
import { accepted, context, inline, iris, mistakesOf, votes } from "./specs-of-the-tests.ts";

const tables: CheckContext = {
  dataset: async (id) => {
    const csv: Record<string, string> = {
      mixed: "size,city,note,label\n1,Rome,12,a\n2,Bonn,many,b\n,Rome,3,a\n",
      gaps: "x,label\n1,a\n2,\n",
      fractions: "x,y\n1,0.5\n2,1.5\n",
      negative: "x,y\n1,-1\n2,1\n",
      other: "species,sepal_length\nrosa,1\n",
      lonely: "y\n1\n2\n",
      wide: `x,label\n${Array.from({ length: 1001 }, (_, i) => `w${i},a\n`).join("")}`,
      empty: "x,void,label\n1,,a\n2,,b\n",
      weighted: "x,w,minus,zero,words,gap,label\n1,0.5,-1,0,a,1,a\n2,2,1,0,b,,b\n",
    };
    return csv[id] === undefined ? context.dataset(id) : analyseCsv(chunks(csv[id], 1000));
  },
};
const on = (dataset_id: string, target: string, rest: object = {}) => ({
  ...iris,
  data: { dataset_id, target, ...rest },
});

describe("a column needs what makes numbers of it", () => {
  test("text and missing values are both told, with an example", async () => {
    expect(await mistakesOf(on("mixed", "label"), tables)).toEqual([
      {
        path: "data.features",
        message: expect.stringMatching(
          /^column "city" \(and 1 other\): "Bonn" is text, not a number; .*preprocess.map/,
        ),
      },
      { path: "data.preprocess", message: expect.stringMatching(/^column "size": 1 missing value; .*impute/) },
    ]);
  });
  test("a map must name every word", async () => {
    const errors = await mistakesOf(
      on("mixed", "label", { preprocess: { map: { Rome: 1, many: 99 }, impute: "mean" } }),
      tables,
    );
    expect(errors).toEqual([
      {
        path: "data.features",
        message:
          'column "city": "Bonn" is text, neither a number nor one of the values of preprocess.map ("Rome", "many")',
      },
    ]);
  });
  test("map, one_hot and impute together are enough, and the width is known", async () => {
    const preprocess = { map: { many: 99 }, one_hot: ["city"], impute: "mean" };
    const { spec } = await accepted(on("mixed", "label", { preprocess }), tables);
    expect(spec.model.layers[0]).toMatchObject({ in_features: 4 });
  });
  test("columns may be left out instead", async () => {
    await accepted(on("mixed", "label", { features: ["size"], preprocess: { impute: "zero" } }), tables);
  });
  test("too many words can't be mapped or one-hot encoded", async () => {
    expect(await mistakesOf(on("wide", "label"), tables)).toEqual([
      { path: "data.features", message: expect.stringMatching(/more than 1,000 different words/) },
    ]);
    expect(await mistakesOf(on("wide", "label", { preprocess: { one_hot: ["x"] } }), tables)).toEqual([
      { path: "data.preprocess.one_hot", message: expect.stringMatching(/too many different values/) },
    ]);
  });
  test("a column without any value has no mean", async () => {
    const errors = await mistakesOf(on("empty", "label", { preprocess: { impute: "mean" } }), tables);
    expect(errors).toEqual([
      { path: "data.preprocess.impute", message: expect.stringMatching(/^column "void": no value at all/) },
    ]);
  });
  test("one hundred columns of text are one error", async () => {
    const { preprocess: _none, ...data } = votes.data;
    const errors = await mistakesOf({ ...votes, data });
    expect(errors.map(({ path }) => path)).toEqual(["data.features", "data.preprocess"]);
    expect(errors[0]?.message).toMatch(/^column "V1" \(and 15 others\): "n" is text/);
  });
});

test("of ten thousand wrong names a hundred are told", async () => {
  const features = Array.from({ length: 10_000 }, (_, i) => `petal_${i}`);
  expect(await mistakesOf(on("iris", "species", { features, preprocess: { one_hot: features } }))).toHaveLength(100);
});

describe("one mistake gives one error", () => {
  const digits = { ...iris, model: { layers: [{ type: "Flatten" }, { type: "Linear", out_features: 10 }] } };
  test.each<[string, unknown, string, RegExp]>([
    ["no data set of that id", on("ds_gone", "x"), "data.dataset_id", /^there is no data set "ds_gone"/],
    [
      "no such target",
      on("iris", "specie"),
      "data.target",
      /^the data set has no column "specie"; did you mean "species"/,
    ],
    [
      "no such feature",
      on("iris", "species", { features: ["petal_length", "nose"] }),
      "data.features[1]",
      /no column "nose"; it has "sepal_length"/,
    ],
    [
      "the target among the features",
      on("iris", "species", { features: ["species"] }),
      "data.features[0]",
      /is the target/,
    ],
    [
      "a feature twice",
      on("iris", "species", { features: ["petal_length", "petal_length"] }),
      "data.features[1]",
      /named twice/,
    ],
    ["nothing but the target", on("lonely", "y"), "data.target", /only column/],
    ["rows without a target", on("gaps", "label"), "data.target", /^1 row has no value in column "label"/],
    ["fractions as classes", on("fractions", "y"), "data.target", /holds fractions/],
    ["negative classes", on("negative", "y"), "data.target", /holds -1/],
    [
      "one_hot of a column that is not there",
      on("iris", "species", { preprocess: { one_hot: ["colour"] } }),
      "data.preprocess.one_hot[0]",
      /no feature "colour"/,
    ],
    [
      "a shape that does not hold the features",
      { ...digits, data: { builtin: "digits", preprocess: { shape: [1, 28, 28] } } },
      "data.preprocess.shape",
      /784 values, but a row has 64/,
    ],
    [
      "an unknown step",
      on("iris", "species", { preprocess: { standardise: true } }),
      "data.preprocess.standardise",
      /did you mean "standardize"/,
    ],
    ["a form that is not known", { ...iris, data: { dataset: "ds_1" } }, "data.dataset", /did you mean "dataset_id"/],
    ["no form at all", { ...iris, data: {} }, "data", /^expects an object with "inline" or "dataset_id" or "builtin"/],
    ["an unknown built-in set", { ...iris, data: { builtin: "irsi" } }, "data.builtin", /did you mean "iris"/],
    [
      "samples of a classic file",
      { ...iris, data: { builtin: "iris", samples: 10 } },
      "data.samples",
      /fixed set of rows/,
    ],
    [
      "empty inline data",
      { ...inline, data: { inline: { inputs: [], targets: [0] } } },
      "data.inline.inputs",
      /^expects at least 1 value, got 0/,
    ],
    [
      "text in the request",
      { ...inline, data: { inline: { inputs: [[1], ["y"]], targets: [0, 1] } } },
      "data.inline.inputs[1][0]",
      /^"y" is text/,
    ],
    [
      "null in the request",
      { ...inline, data: { inline: { inputs: [[1], [null]], targets: [0, 1] } } },
      "data.inline.inputs[1][0]",
      /^the value is missing/,
    ],
    [
      "labels for a regression",
      { ...on("iris", "species"), loss: "MSELoss" },
      "data.target",
      /3 different labels .*CrossEntropyLoss/,
    ],
  ])("%s", async (_what, spec, path, message) => {
    expect(await mistakesOf(spec, tables)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});

describe("validation", () => {
  test("may be a data set with columns of the same names", async () => {
    await accepted({ ...iris, validation: { dataset_id: "iris" } });
  });
  test("may be inline beside a data set", async () => {
    await accepted({ ...iris, validation: { inline: { inputs: [[1, 2, 3, 4]], targets: ["setosa"] } } });
  });
  test.each<[string, unknown, string, RegExp]>([
    ["lacks columns", { dataset_id: "other" }, "validation.features[1]", /no column "sepal_width"/],
    [
      "has labels of its own",
      { dataset_id: "other", features: ["sepal_length", "sepal_length"] },
      "validation.features[1]",
      /named twice/,
    ],
    [
      "has a label that is new",
      { inline: { inputs: [[1, 2, 3, 4]], targets: ["rosa"] } },
      "validation.inline.targets[0]",
      /the label "rosa" does not occur/,
    ],
    [
      "has samples of another shape",
      { inline: { inputs: [[1, 2]], targets: ["setosa"] } },
      "validation",
      /samples of shape \[2\], but those of data have \[4\]/,
    ],
    ["has steps of its own", { dataset_id: "iris", preprocess: {} }, "validation.preprocess", /^unknown field/],
    ["splits more than there is", { split: 1 }, "validation.split", /^expects less than 1, got 1/],
  ])("that %s is refused", async (_what, validation, path, message) => {
    expect((await mistakesOf({ ...iris, validation }, tables))[0]).toEqual({
      path,
      message: expect.stringMatching(message),
    });
  });
});

describe("weights of samples", () => {
  const weighted = (weight: string, rest: object = {}) => on("weighted", "label", { weight, features: ["x"], ...rest });

  test("a column of them is no feature", async () => {
    const spec = on("weighted", "label", { weight: "w", preprocess: { map: { a: 1, b: 2 }, impute: "mean" } });
    const { spec: checked } = await accepted(spec, tables);
    expect(checked.model.layers[0]).toMatchObject({ in_features: 5 });
  });

  test.each<[string, RegExp]>([
    ["weight", /^the data set has no column "weight"/],
    ["minus", /^column "minus" holds -1, but weights are numbers from 0 on$/],
    ["zero", /^column "zero" is 0 in every row; nothing would count$/],
    ["words", /^column "words" holds text, but weights are numbers from 0 on$/],
    ["gap", /^column "gap" has 1 missing, but weights are numbers from 0 on$/],
    ["label", /^"label" is the target; weights are another column$/],
  ])("the column %s can't be one", async (weight, message) => {
    expect(await mistakesOf(weighted(weight), tables)).toContainEqual({
      path: "data.weight",
      message: expect.stringMatching(message),
    });
  });

  test("it can't be a feature at the same time", async () => {
    expect(await mistakesOf(weighted("w", { features: ["x", "w"] }), tables)).toEqual([
      { path: "data.features[1]", message: '"w" is the weight; leave it out of "features"' },
    ]);
  });

  test("inline ones are looked at one by one", async () => {
    const given = (weights: unknown) => ({ ...inline, data: { inline: { ...inline.data.inline, weights } } });
    await accepted(given([1, 0, 2, 0.5]));
    expect(await mistakesOf(given([1, 0, -2, 1]))).toEqual([
      { path: "data.inline.weights[2]", message: "-2; expected a weight from 0 on" },
    ]);
    expect(await mistakesOf(given([1, 0, 2]))).toEqual([
      { path: "data.inline.weights", message: "has 3 weights for 4 inputs; expected one per input" },
    ]);
    expect(await mistakesOf(given([0, 0, 0, 0]))).toEqual([
      { path: "data.inline.weights", message: "all weights are 0; nothing would count" },
    ]);
  });

  test("those of validation rows are held to the same", async () => {
    const validation = { inline: { ...inline.data.inline, weights: [1, 1, 1, null] } };
    expect(await mistakesOf({ ...inline, validation })).toEqual([
      { path: "validation.inline.weights[3]", message: "the weight is missing; expected a weight from 0 on" },
    ]);
  });
});
