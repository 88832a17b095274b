/** What lies within a field of a spec, by its path. */
import { expect, test } from "vitest";
import { isWithin } from "../../../src/dashboard/shared/within.ts";

test("a path lies within itself and what holds it, not within what only begins alike", () => {
  expect(isWithin("model.layers[0].bias", "model.layers[0]")).toBe(true);
  expect(isWithin("model.layers[0]", "model.layers[0]")).toBe(true);
  expect(isWithin("model.layers[01]", "model.layers[0]")).toBe(false);
  expect(isWithin("epochs_more", "epochs")).toBe(false);
});
