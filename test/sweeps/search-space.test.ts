import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Mistakes } from "../../src/spec/mistakes.ts";
import { parseSpace } from "../../src/sweeps/check-sweep.ts";
import { drawPoint, type Field, leavesOf } from "../../src/sweeps/draw.ts";
import { extremes } from "../../src/sweeps/extremes.ts";
import { countCells, gridPick } from "../../src/sweeps/grid-sampler.ts";
import { randomPick, uniformPick } from "../../src/sweeps/random-sampler.ts";
import { overlap, parsePath, withValue } from "../../src/sweeps/spec-path.ts";

const base = { model: { layers: [{ type: "Linear", out_features: 1 }] }, optimizer: "Adam", batch_size: 32 };

const fieldsOf = (space: object): Field[] => {
  const mistakes = new Mistakes();
  const fields = parseSpace(space, mistakes);
  expect(mistakes.list).toEqual([]);
  return fields;
};
const mistakesOf = (space: unknown) => {
  const mistakes = new Mistakes();
  parseSpace(space, mistakes);
  return mistakes.list;
};

/** Any distribution of numbers, with what holds for each of its draws. */
const numbers = fc
  .tuple(
    fc.constantFrom("uniform", "log_uniform", "int", "log_int"),
    fc.integer({ min: 1, max: 1e6 }),
    fc.integer({ min: 1, max: 1e6 }),
  )
  .map(([kind, low, width]) => ({ kind, low, high: low + width, given: { [kind]: [low, low + width] } }));

/** Spaces nested as deep as fast-check likes. */
const { space: anySpace } = fc.letrec<{ space: object; leaf: object }>((tie) => ({
  leaf: fc.oneof(
    fc.constant({ int: [1, 3] }),
    fc.constant({ uniform: [0, 1], steps: 3 }),
    fc.constant({ log_int: [1, 64], steps: 4 }),
    fc.array(fc.constantFrom(1, "a", null, true), { minLength: 1, maxLength: 3 }).map((choice) => ({ choice })),
  ),
  space: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    fc.array(tie("space"), { minLength: 1, maxLength: 3 }).map((choice) => ({ choice })),
    fc.array(tie("space"), { minLength: 1, maxLength: 2 }).map((items) => items),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("space"), { minKeys: 1 }),
    fc
      .tuple(
        fc.array(tie("space"), { minLength: 1, maxLength: 2 }),
        fc.constantFrom({ int: [0, 2] }, { choice: [1, 3] }),
      )
      .map(([repeat, times]) => [{ repeat, times }]),
  ),
}));

describe("a path", () => {
  test("is read as mistakes write it", () => {
    expect(parsePath("model.layers[2].out_features")).toEqual(["model", "layers", 2, "out_features"]);
    for (const wrong of ["", ".", "[0]", "a.", "a..b", "a[x]", "a b", "a[0]b"])
      expect(parsePath(wrong), wrong).toBeNull();
  });

  test("sets a value in a copy, and writes a bare type out", () => {
    const before = structuredClone(base);
    const set = withValue(base, ["optimizer", "lr"], 0.5);
    expect(set).toEqual({ spec: { ...base, optimizer: { type: "Adam", lr: 0.5 } } });
    expect(base).toEqual(before);
    expect(withValue(base, ["model", "layers", 3, "p"], 0)).toEqual({ lost: "has 1 entries, counted from 0" });
    expect(withValue(base, ["batch_size", 0], 0)).toEqual({ lost: "is no list" });
  });

  test("overlaps what leads through it", () => {
    expect(overlap(["a", "b"], ["a"])).toBe(true);
    expect(overlap(["a"], ["a", "b"])).toBe(true);
    expect(overlap(["a", 1], ["a", 2])).toBe(false);
  });
});

describe("a draw", () => {
  test("lies between the ends, is whole where it should be, and is the same for the same seed", () => {
    fc.assert(
      fc.property(numbers, fc.nat(), fc.nat(1000), ({ kind, low, high, given }, seed, trial) => {
        const fields = fieldsOf({ batch_size: given });
        const { spec, draws, params } = drawPoint(base, fields, randomPick(seed, trial));
        const value = Object(spec).batch_size;
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
        if (kind.endsWith("int")) expect(Number.isInteger(value)).toBe(true);
        expect(draws).toEqual({ batch_size: value });
        expect(params).toEqual({ batch_size: value });
        expect(drawPoint(base, fields, randomPick(seed, trial)).spec).toEqual(spec);
      }),
    );
  });

  test("reaches both ends of whole numbers, each about as often as the others", () => {
    const [leaf] = [...fieldsOf({ x: { int: [1, 4] } }).flatMap(({ node }) => [...leavesOf(node)])];
    if (!leaf) throw new Error("no leaf");
    const counts = new Map<number, number>();
    for (let i = 0; i < 400; i++) {
      const value = uniformPick(leaf, (i + 0.5) / 400);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts]).toEqual([1, 2, 3, 4].map((n) => [n, 100]));
  });

  test("of a log-uniform number takes each order of magnitude as often", () => {
    const fields = fieldsOf({ x: { log_uniform: [0.001, 10] } });
    const decades = [0, 0, 0, 0];
    for (let trial = 0; trial < 2000; trial++) {
      const value = Number(drawPoint({}, fields, randomPick(1, trial)).draws["x"]);
      const decade = Math.min(3, Math.floor(Math.log10(value) + 3));
      decades[decade] = (decades[decade] ?? 0) + 1;
    }
    for (const count of decades) expect(Math.abs(count - 500)).toBeLessThan(80);
  });

  test("holds what stands in an option only where that option is", () => {
    const fields = fieldsOf({
      optimizer: {
        choice: [
          { type: "SGD", lr: { log_uniform: [0.01, 1] }, momentum: { uniform: [0, 0.99] } },
          { type: "Adam", lr: { log_uniform: [0.0001, 0.1] } },
        ],
      },
    });
    const seen = new Set<string>();
    for (let trial = 0; trial < 30; trial++) {
      const { draws, params, spec } = drawPoint(base, fields, randomPick(3, trial));
      const { optimizer } = Object(spec);
      seen.add(optimizer.type);
      expect(params["optimizer"]).toBe(optimizer.type);
      const names = optimizer.type === "SGD" ? [0, "lr", "momentum"] : [1, "lr"];
      const [option, ...inner] = names;
      expect(Object.keys(draws)).toEqual(["optimizer", ...inner.map((key) => `optimizer.choice[${option}].${key}`)]);
    }
    expect(seen).toEqual(new Set(["SGD", "Adam"]));
  });

  test("repeats layers, each copy with draws of its own", () => {
    const block = [{ type: "Linear", out_features: { int: [1, 1000] } }, { type: "ReLU" }];
    const fields = fieldsOf({
      "model.layers": [
        { repeat: block, times: { int: [1, 3] } },
        { type: "Linear", out_features: 10 },
      ],
    });
    const depths = new Set<number>();
    for (let trial = 0; trial < 20; trial++) {
      const { layers } = Object(Object(drawPoint(base, fields, randomPick(0, trial)).spec).model);
      expect(layers.at(-1)).toEqual({ type: "Linear", out_features: 10 });
      expect(layers.filter((_: unknown, i: number) => i % 2 === 1)).toEqual(
        Array.from({ length: (layers.length - 1) / 2 }, () => ({ type: "ReLU" })),
      );
      depths.add((layers.length - 1) / 2);
      if (layers.length > 3) expect(layers[0].out_features).not.toBe(layers[2].out_features);
    }
    expect(depths).toEqual(new Set([1, 2, 3]));
  });

  test("does not change when another field is added", () => {
    const one = fieldsOf({ batch_size: { int: [1, 1000] } });
    const two = fieldsOf({ "optimizer.lr": { uniform: [0, 1] }, batch_size: { int: [1, 1000] } });
    for (let trial = 0; trial < 10; trial++) {
      const pick = randomPick(5, trial);
      expect(drawPoint(base, two, pick).draws["batch_size"]).toBe(drawPoint(base, one, pick).draws["batch_size"]);
    }
  });
});

describe("a grid", () => {
  test("has every combination once, whatever is nested in what", () => {
    fc.assert(
      fc.property(anySpace, (given) => {
        const mistakes = new Mistakes();
        const fields = parseSpace({ x: given }, mistakes);
        if (!mistakes.none) return;
        const count = countCells(fields);
        if (count > 300) return;
        const cells = Array.from({ length: count }, (_, cell) => drawPoint({}, fields, gridPick(fields, cell)).draws);
        expect(new Set(cells.map((draws) => JSON.stringify(draws))).size).toBe(count);
        // A random draw is one of them.
        const { draws } = drawPoint({}, fields, randomPick(0, 0));
        expect(cells.map((cell) => JSON.stringify(cell))).toContain(JSON.stringify(draws));
      }),
    );
  });

  test("counts like a counter, the last field fastest", () => {
    const fields = fieldsOf({ a: { choice: [1, 2] }, b: { log_uniform: [0.01, 1], steps: 3 } });
    const cells = Array.from(
      { length: countCells(fields) },
      (_, cell) => drawPoint({}, fields, gridPick(fields, cell)).spec,
    );
    expect(cells).toEqual([1, 2].flatMap((a) => [0.01, 0.1, 1].map((b) => ({ a, b }))));
  });
});

test("the points that are checked have every end and every option of a space", () => {
  fc.assert(
    fc.property(anySpace, (given) => {
      const mistakes = new Mistakes();
      const fields = parseSpace({ x: given }, mistakes);
      if (!mistakes.none) return;
      const points = extremes({}, fields);
      if (points.length === 32) return;
      for (const leaf of fields.flatMap(({ node }) => [...leavesOf(node)])) {
        const drawn = new Set(points.flatMap(({ draws }) => draws[leaf.id] ?? []));
        const wanted =
          leaf.kind === "choice"
            ? leaf.options.map((_, i) => i)
            : [leaf.values?.[0] ?? leaf.low, leaf.values?.at(-1) ?? leaf.high];
        for (const value of wanted) expect(drawn, leaf.id).toContain(value);
      }
    }),
  );
});

describe("a mistake in a space", () => {
  test.each([
    [undefined, "space", /is required: the fields that vary/],
    [{}, "space", /expects the fields that vary/],
    [
      { "optimizer.lr": 0.1 },
      'space["optimizer.lr"]',
      /expects a distribution, .* got 0.1; what does not vary stands in base/,
    ],
    [{ lr: { loguniform: [0.1, 1] } }, "space.lr", /unknown distribution "loguniform"; did you mean "log_uniform"\?/],
    [{ lr: { log_uniform: [0, 1] } }, "space.lr.log_uniform[0]", /more than 0/],
    [{ lr: { uniform: [1, 0] } }, "space.lr.uniform", /smaller end first/],
    [{ lr: { int: [1.5, 3] } }, "space.lr.int[0]", /whole number/],
    [{ lr: { choice: [] } }, "space.lr.choice", /at least 1/],
    [{ lr: { uniform: [0, 1], step: 3 } }, "space.lr.step", /unknown field "step"; did you mean "steps"\?/],
    [{ "a b": { choice: [1] } }, 'space["a b"]', /is no path/],
    [
      { optimizer: { choice: ["SGD"] }, "optimizer.lr": { choice: [1] } },
      'space["optimizer.lr"]',
      /is part of what optimizer sets/,
    ],
    [{ layers: { repeat: [1], times: { int: [1, 2] } } }, "space.layers", /stands in a list/],
    [{ layers: [{ repeat: [1], times: { uniform: [1, 2] } }] }, "space.layers[0].times", /whole numbers/],
    [{ layers: [{ repeat: [1], times: { int: [1, 200] } }] }, "space.layers[0].times", /from 0 to 64/],
    [{ layers: [{ type: "ReLU" }] }, "space.layers", /holds no distribution/],
  ])("is told with its path: %j", (space, path, message) => {
    expect(mistakesOf(space)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});
