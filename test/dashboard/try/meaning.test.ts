/** The page and the service read the same out of a model's outputs. */
import { expect, test } from "vitest";
import { interpretOutputs } from "../../../src/api/inference/interpret-outputs.ts";
import { numbersIn, probabilitiesOf } from "../../../src/dashboard/try/meaning.ts";
import { losses } from "../../../src/engine/definitions.ts";

const rows = [[0.2], [0.9], [1.5, -0.5, 0.25], [-3, 2]];

test.each([...losses.keys()])("outputs of %s mean what they mean in a prediction", (loss) => {
  for (const row of rows) {
    for (const classes of [null, ["no", "yes"]]) {
      const { probabilities } = interpretOutputs(loss, Float32Array.from(row), row.length, classes);
      const found = probabilitiesOf(loss, row, classes?.length ?? 0);
      expect(found === null).toBe(probabilities === undefined);
      found?.forEach((value, i) => {
        expect(value).toBeCloseTo(probabilities?.[0]?.[i] ?? Number.NaN, 5);
      });
    }
  }
});

test("an output is one number or a row of them; what is not finite is NaN, what is nested is none", () => {
  expect(numbersIn(3)).toEqual([3]);
  expect(numbersIn([1, null])).toEqual([1, Number.NaN]);
  expect(numbersIn([[1]])).toBeNull();
});
