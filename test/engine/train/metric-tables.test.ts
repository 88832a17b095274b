/** Metrics that need more than counts of hits: ranks of the right class, and every score of an epoch. */
import { describe, expect, test } from "vitest";
import { defaultDevice, losses, type Shape, tensor } from "../../../src/engine/index.ts";
import { areaUnderCurve } from "../../../src/engine/metrics/area-under-curve.ts";
import { Tally } from "../../../src/engine/train/tally.ts";
import "../device-of-the-tests.ts";

const score = (i: number): number => Math.fround(Math.sin(i * 12.9898));

/** Adds batches of rows, each with its outputs and target, and gives the metrics; stopped and taken up again in between. */
function measure(loss: string, metrics: string[], output: Shape, targets: readonly number[], batch: number) {
  const definition = losses.get(loss);
  if (!definition) throw new Error(`There is no loss ${loss}.`);
  const width = output.reduce((a, b) => a * b, 1);
  const make = (): Tally => new Tally(defaultDevice(), definition, output, metrics, targets.length);
  let tally = make();
  tally.reset();
  for (let first = 0; first < targets.length; first += batch) {
    const rows = Math.min(batch, targets.length - first);
    const outputs = Float32Array.from({ length: rows * width }, (_, i) => score(first * width + i));
    const wanted = targets.slice(first, first + rows);
    tally.add(
      tensor(0),
      tensor(outputs, [rows, ...output]),
      definition.targets === "index"
        ? tensor(Int32Array.from(wanted), [rows])
        : tensor(Float32Array.from(wanted), [rows, 1]),
    );
    const { state } = tally;
    tally = make();
    tally.state = state;
  }
  return tally.result(targets.length).metrics;
}

/** The share of pairs of a member and a stranger in which the member scores more; equal ones count half. */
function pairs(scores: readonly number[], members: readonly boolean[]): number {
  let [won, all] = [0, 0];
  scores.forEach((a, i) => {
    scores.forEach((b, j) => {
      if (!members[i] || members[j]) return;
      all++;
      won += a > b ? 1 : a === b ? 0.5 : 0;
    });
  });
  return won / all;
}

const TARGETS = Array.from({ length: 23 }, (_, i) => (i * 7) % 9);

describe("top_k_accuracy", () => {
  test("counts targets among the five largest outputs", () => {
    const hits = TARGETS.filter((target, row) => {
      const outputs = Array.from({ length: 9 }, (_, c) => score(row * 9 + c));
      return outputs.filter((other) => other > (outputs[target] ?? 0)).length < 5;
    });
    expect(measure("CrossEntropyLoss", ["top_k_accuracy"], [9], TARGETS, 8)["top_k_accuracy"]).toBeCloseTo(
      hits.length / TARGETS.length,
      12,
    );
  });
});

describe("auc", () => {
  test("of one output for two classes is the share of pairs in order", () => {
    const targets = TARGETS.map((t) => (t > 4 ? 1 : 0));
    const expected = pairs(
      targets.map((_, i) => score(i)),
      targets.map((t) => t === 1),
    );
    expect(measure("BCEWithLogitsLoss", ["auc"], [1], targets, 5)["auc"]).toBeCloseTo(expected, 12);
  });

  test("of two outputs compares their difference", () => {
    const targets = TARGETS.map((t) => t % 2);
    const differences = targets.map((_, i) => Math.fround(Math.fround(score(2 * i + 1)) - Math.fround(score(2 * i))));
    const expected = pairs(
      differences,
      targets.map((t) => t === 1),
    );
    expect(measure("CrossEntropyLoss", ["auc"], [2], targets, 5)["auc"]).toBeCloseTo(expected, 12);
  });

  test("of more classes is the mean of each against the rest, by probability", () => {
    const targets = TARGETS.map((t) => t % 3);
    const probability = (row: number, c: number): number => {
      const powers = [0, 1, 2].map((k) => Math.exp(score(row * 3 + k)));
      return (powers[c] ?? 0) / powers.reduce((a, b) => a + b, 0);
    };
    const areas = [0, 1, 2].map((c) =>
      pairs(
        targets.map((_, row) => probability(row, c)),
        targets.map((t) => t === c),
      ),
    );
    const mean = areas.reduce((a, b) => a + b, 0) / 3;
    expect(measure("NLLLoss", ["auc"], [3], targets, 6)["auc"]).toBeCloseTo(mean, 12);
  });

  test("is as scikit-learn computes it", () => {
    // roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), the example of its documentation.
    expect(areaUnderCurve(Float64Array.of(0, 0.1, 0, 0.4, 1, 0.35, 1, 0.8), 2)).toBe(0.75);
  });

  test("counts equal scores of a member and a stranger half", () => {
    const [scores, members] = [
      [1, 2, 2, 2, 3, 3, 5],
      [0, 1, 0, 1, 1, 0, 0],
    ];
    const table = Float64Array.from(scores.flatMap((value, i) => [members[i] ?? 0, value]));
    expect(areaUnderCurve(table, 2)).toBeCloseTo(pairs(scores, members.map(Boolean)), 12);
  });

  test("of a class without strangers is not a number", () => {
    expect(areaUnderCurve(Float64Array.of(1, 0.1, 1, 0.4), 2)).toBeNaN();
  });
});

test("confusion_matrix tells how often each class was predicted which", () => {
  const definition = losses.get("CrossEntropyLoss");
  if (!definition) throw new Error("There is no CrossEntropyLoss.");
  const tally = new Tally(defaultDevice(), definition, [2], ["accuracy", "confusion_matrix"], 4);
  tally.reset();
  const outputs = tensor([
    [2, 1],
    [0, 1],
    [0, 3],
    [1, 0],
  ]);
  tally.add(tensor(0), outputs, tensor(Int32Array.of(0, 0, 1, 1), [4]));
  expect(tally.result(4)).toEqual({
    loss: 0,
    metrics: { accuracy: 0.5 },
    tables: {
      confusion_matrix: [
        [1, 1],
        [1, 1],
      ],
    },
  });
});

test("several metrics of one run keep their tables apart", () => {
  const together = measure("CrossEntropyLoss", ["auc", "accuracy", "top_k_accuracy", "f1"], [9], TARGETS, 7);
  for (const [name, value] of Object.entries(together)) {
    expect(measure("CrossEntropyLoss", [name], [9], TARGETS, 23)[name]).toBe(value);
  }
});
