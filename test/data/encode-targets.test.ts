/** Targets as losses take them. */
import { describe, expect, test } from "vitest";
import { classesOf, type EncodedTargets, encodeTargets, type TargetEncoding } from "../../src/data/encode-targets.ts";
import { readInline } from "../../src/data/inline.ts";

function encode(targets: unknown[], encoding: TargetEncoding): EncodedTargets & { classes: string[] | null } {
  const raw = readInline({ inputs: targets.map(() => [0]), targets }, "data.inline");
  const classes = classesOf(raw.targets);
  return { ...encodeTargets(raw, encoding, classes, null), classes };
}

test("numbers are class indices for an index loss", () => {
  expect(encode([2, 0, 1], "index")).toEqual({ data: Int32Array.of(2, 0, 1), shape: [], classes: null });
});

test("labels are numbered in sorted order", () => {
  expect(encode(["dog", "cat", "dog", "ant"], "index")).toEqual({
    data: Int32Array.of(2, 1, 2, 0),
    shape: [],
    classes: ["ant", "cat", "dog"],
  });
});

test("a row may have several classes, such as one for each step of a sequence", () => {
  expect(
    encode(
      [
        [2, 0],
        [1, 1],
      ],
      "index",
    ),
  ).toEqual({ data: Int32Array.of(2, 0, 1, 1), shape: [2], classes: null });
  expect(encode([["b", "a"]], "index")).toEqual({ data: Int32Array.of(1, 0), shape: [2], classes: ["a", "b"] });
});

test("a bare value is an array of one for a values loss, and arrays keep their shape", () => {
  expect(encode([0.5, 2], "values")).toMatchObject({ data: Float32Array.of(0.5, 2), shape: [1] });
  expect(
    encode(
      [
        [1, 2],
        [3, 4],
      ],
      "values",
    ),
  ).toMatchObject({ data: Float32Array.of(1, 2, 3, 4), shape: [2] });
});

test("two labels are 0 and 1 for a values loss", () => {
  expect(encode(["yes", "no", "yes"], "values")).toEqual({
    data: Float32Array.of(1, 0, 1),
    shape: [1],
    classes: ["no", "yes"],
  });
});

describe("is refused", () => {
  test.each<[string, unknown[], TargetEncoding, string, RegExp]>([
    ["a fraction as a class", [0, 1.5], "index", "data.inline.targets[1]", /^1.5 is no class index/],
    ["a negative class", [0, -1], "index", "data.inline.targets[1]", /^-1 is no class index/],
    [
      "a fraction among the classes of a row",
      [
        [0, 1],
        [0, 0.5],
      ],
      "index",
      "data.inline.targets[1][1]",
      /^0.5 is no class/,
    ],
    ["a missing target", [0, null], "values", "data.inline.targets[1]", /^the target is missing/],
    ["a missing label", ["a", ""], "index", "data.inline.targets[1]", /^the target is missing/],
    [
      "three labels for a values loss",
      ["a", "b", "c"],
      "values",
      "data.inline.targets",
      /3 different labels .*CrossEntropyLoss/,
    ],
    ["one label for a values loss", ["a", "a"], "values", "data.inline.targets", /only one label/],
    ["a target beyond float32", [1e39], "values", "data.inline.targets[0]", /too large/],
  ])("%s", (_what, targets, encoding, path, message) => {
    expect(() => encode(targets, encoding)).toThrow(
      expect.objectContaining({ path, message: expect.stringMatching(message) }),
    );
  });
});
