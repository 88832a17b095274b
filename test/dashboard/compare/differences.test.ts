import { describe, expect, test } from "vitest";
import { differencesOf } from "../../../src/dashboard/compare/differences.ts";
import { bestSoFar, outcomesOf, scaleOf } from "../../../src/dashboard/compare/outcomes.ts";
import { RunHistory } from "../../../src/dashboard/history/run-history.ts";

const spec = (lr: number, layers: object[]) => ({ optimizer: { type: "Adam", lr }, model: { layers }, seed: 0 });

describe("what differs between specs", () => {
  test("is told by its path, and what is the same is not", () => {
    const layer = { type: "Linear", out_features: 8 };
    expect(differencesOf([spec(0.1, [layer]), spec(0.2, [layer, { type: "ReLU" }])])).toEqual([
      { path: "optimizer.lr", values: [0.1, 0.2] },
      { path: "model.layers[1].type", values: [undefined, "ReLU"] },
    ]);
    expect(differencesOf([spec(0.1, [layer]), spec(0.1, [layer])])).toEqual([]);
  });

  test("is found in lists that are too long to show", () => {
    const list = (last: number) => ({ features: [...Array.from({ length: 100 }, (_, i) => i), last] });
    const [difference] = differencesOf([list(1), list(2)]);
    expect(difference?.path).toBe("features");
    expect(difference?.values[0]).not.toBe(difference?.values[1]);
    expect(String(difference?.values[0]).length).toBeLessThan(110);
    expect(differencesOf([list(1), list(1)])).toEqual([]);
  });
});

describe("an axis of settings", () => {
  test("has numbers at their size, and by their logarithm if they span decades", () => {
    expect(scaleOf([1, 2, 5]).places).toEqual([0, 0.25, 1]);
    expect(scaleOf([0.001, 0.01, 0.1]).places.map((place) => Math.round((place ?? 0) * 100) / 100)).toEqual([
      0, 0.5, 1,
    ]);
  });

  test("has words side by side, and no place for what is not there", () => {
    const { places, labels } = scaleOf(["Adam", "SGD", undefined, "Adam"]);
    expect(places).toEqual([0, 1, null, 0]);
    expect(labels.map(({ text }) => text)).toEqual(["Adam", "SGD"]);
  });
});

describe("the best so far", () => {
  const run = (id: string, losses: number[], early_stopping?: object) => {
    const history = new RunHistory();
    for (const [i, loss] of losses.entries())
      history.take("epoch", JSON.stringify({ seq: i + 1, epoch: i + 1, loss, metrics: { accuracy: 1 - loss } }));
    const best = early_stopping ? { metric: "accuracy", epoch: 1, value: 0 } : null;
    return { job: { id, name: id, spec: { early_stopping }, best }, history };
  };

  test("falls with each better run, in the order of their submission", () => {
    const outcomes = outcomesOf([run("job_b", [0.5, 0.2]), run("job_a", [0.4]), run("job_c", [0.3])]);
    expect(outcomes.metric).toBe("loss");
    expect(bestSoFar(outcomes).map(({ best }) => best)).toEqual([0.4, 0.2, 0.2]);
  });

  test("rises where more is better", () => {
    const watch = { monitor: "accuracy", mode: "max" };
    const outcomes = outcomesOf([run("job_a", [0.5, 0.4], watch), run("job_b", [0.2], watch)]);
    expect(bestSoFar(outcomes).map(({ best }) => best)).toEqual([0.6, 0.8]);
  });
});
