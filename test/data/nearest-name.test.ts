/** Which known name a mistyped one is taken for. */
import { expect, test } from "vitest";
import { nearest, nearestName } from "../../src/data/nearest-name.ts";

const known = ["Linear", "ReLU", "LeakyReLU", "BCELoss", "BCEWithLogitsLoss", "batch_size", "epochs"];

test.each([
  ["Liner", "Linear"],
  ["linear", "Linear"],
  ["Lniear", "Linear"],
  ["batchSize", "batch_size"],
  ["epoch", "epochs"],
  ["relu", "ReLU"],
  ["BCE", "BCELoss"],
])("%s is near %s", (name, near) => {
  expect(nearestName(name, known)).toBe(near);
});

test.each(["Conv2d", "webhook", "", "x".repeat(5000)])("%s is near nothing", (name) => {
  expect(nearest(name, known)).toBe("");
});

test("names may come from an iterator that is read once", () => {
  expect(nearest("BCE", new Map(known.map((name) => [name, 0])).keys())).toBe('; did you mean "BCELoss"?');
});
