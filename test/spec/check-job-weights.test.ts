/** `model.init.job_id`: what a job has trained must fit the new model, or a part of it that is named. */
import { describe, expect, test } from "vitest";
import type { Shape } from "../../src/engine/definitions.ts";
import { takenWeights } from "../../src/spec/check-job-weights.ts";
import { accepted, context, iris, mistakesOf } from "./specs-of-the-tests.ts";

/** Trained on data with 4 features and 2 classes. */
const trained = new Map<string, Shape>([
  ["0.weight", [8, 4]],
  ["0.bias", [8]],
  ["2.weight", [2, 8]],
  ["2.bias", [2]],
]);
const weights = async (id: string, which: string) =>
  id === "job_trained" && which === "last" ? trained : `there is no job ${JSON.stringify(id)} with ${which} weights`;
const within = { ...context, weights };
const startingFrom = (init: object) => ({ ...iris, model: { ...iris.model, init } });

describe("a model that starts from a job", () => {
  test("may take a part of it, by layer or by weight", async () => {
    const { spec } = await accepted(startingFrom({ job_id: "job_trained", only: ["0"] }), within);
    expect(spec.model.init).toEqual({ job_id: "job_trained", checkpoint: "last", only: ["0"] });
    await accepted(startingFrom({ job_id: "job_trained", only: ["0.bias"] }), within);
  });

  test("is told each weight that does not fit, and what can be taken", async () => {
    expect(await mistakesOf(startingFrom({ job_id: "job_trained" }), within)).toEqual([
      {
        path: "model.init.job_id",
        message: 'its "2.weight" has shape [2, 8], expected [3, 8]; take what fits with "only": ["0"]',
      },
      {
        path: "model.init.job_id",
        message: 'its "2.bias" has shape [2], expected [3]; take what fits with "only": ["0"]',
      },
    ]);
  });

  test("is told a weight that it has no place for", async () => {
    const layers = [iris.model.layers[0], { type: "Tanh" }, { type: "ReLU" }, { type: "Linear", out_features: 3 }];
    const spec = { ...iris, model: { layers, init: { job_id: "job_trained" } } };
    expect((await mistakesOf(spec, within)).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^it has a weight "2.weight", which this model has not; take what fits/),
      expect.stringMatching(/^it has a weight "2.bias"/),
    ]);
  });

  test.each([
    ["another job", { job_id: "job_other" }, "model.init.job_id", 'there is no job "job_other" with last weights'],
    [
      "its best weights",
      { job_id: "job_trained", checkpoint: "best" },
      "model.init.job_id",
      'there is no job "job_trained" with best weights',
    ],
    [
      "a layer that it has not",
      { job_id: "job_trained", only: ["0", "1"] },
      "model.init.only[1]",
      'that job has no layer or weight "1" with weights; it has 0, 2',
    ],
    [
      "a weight with a slip",
      { job_id: "job_trained", only: ["0.wieght"] },
      "model.init.only[0]",
      'that job has no layer or weight "0.wieght" with weights; did you mean "0.weight"?',
    ],
  ])("is told about %s", async (_what, init, path, message) => {
    expect(await mistakesOf(startingFrom(init), within)).toEqual([{ path, message }]);
  });

  test.each([
    [{ jobid: "job_trained" }, "model.init.jobid", 'unknown field "jobid"; did you mean "job_id"?'],
    [{}, "model.init", 'expects an object with "weights" or "job_id" or "model_id"'],
  ])("must name it: %j", async (init, path, message) => {
    expect(await mistakesOf(startingFrom(init), within)).toEqual([{ path, message }]);
  });
});

describe("a model that starts from an imported one", () => {
  const imported = (names: Readonly<Record<string, Shape>>) => ({
    ...context,
    models: async () => new Map(Object.entries(names)),
  });
  const said = async (names: Readonly<Record<string, Shape>>, init: object = {}) =>
    (await mistakesOf(startingFrom({ model_id: "mdl_a", ...init }), imported(names))).map(({ message }) => message);
  const fits = { "0.weight": [8, 4], "0.bias": [8], "2.weight": [3, 8], "2.bias": [3] };
  const parallel = Object.fromEntries(Object.entries(fits).map(([name, shape]) => [`module.${name}`, shape]));

  test("is told how a prefix of all names is taken away", async () => {
    const messages = await said(parallel);
    expect(messages).toHaveLength(4);
    expect(messages[0]).toBe(
      'it has a weight "module.0.weight", which this model has not; take the prefix away with "rename": {"module":""}',
    );
    await accepted(startingFrom({ model_id: "mdl_a", rename: { module: "" } }), imported(parallel));
  });

  test("is told where a layer of another name may belong", async () => {
    const { "2.weight": weight, "2.bias": bias } = fits;
    expect(await said({ "fc1.weight": fits["0.weight"], "2.weight": weight, "2.bias": bias })).toEqual([
      'it has a weight "fc1.weight", which this model has not; say where it belongs with "rename", such as {"fc1":"0"}; take what fits with "only": ["2"]',
    ]);
  });

  test("is told of a weight that lies the other way round", async () => {
    expect(await said({ "0.weight": [4, 8] })).toEqual([
      'its "0.weight" has shape [4, 8], expected [8, 4]: it lies the other way round; save tensor.T.contiguous(), or numpy.ascontiguousarray(array.T)',
    ]);
  });

  test("is not offered a layer with something in it that does not fit", async () => {
    expect(await said({ "0.bias": [8], "0.parametrizations.weight.original0": [8, 1] })).toEqual([
      'it has a weight "0.parametrizations.weight.original0", which this model has not',
    ]);
  });

  test("is told of two weights that would become one", async () => {
    expect(await said(fits, { rename: { "2": "0" }, only: ["0.bias"] })).toContain(
      'both "0.bias" and "2.bias" become "0.bias"',
    );
  });
});

test("a name takes a layer with all that is in it, and no other that begins alike", () => {
  const weights = new Map(
    ["1.weight", "1.0.bias", "10.weight"].map((name) => [name, { shape: [], data: new Float32Array(1) }]),
  );
  expect(Object.keys(takenWeights(weights, ["1"]))).toEqual(["1.weight", "1.0.bias"]);
  expect(Object.keys(takenWeights(weights, null))).toHaveLength(3);
});
