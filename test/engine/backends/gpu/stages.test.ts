import { expect, test } from "vitest";
import { stagesOf } from "../../../../src/engine/backends/gpu/stages.ts";
import { instructions } from "../../../../src/engine/instructions.ts";

const span = (slot: number, words: number) => ({ slot, offset: 0, words });

test("a command becomes its passes, each with the memory that it works on", () => {
  const [stage, ...others] = stagesOf({
    instruction: instructions.square,
    spans: [span(1, 5), span(2, 5)],
    params: [5],
  });
  expect(others).toEqual([]);
  expect(stage).toMatchObject({ reads: [span(2, 5)], writes: span(1, 5), instruction: "square" });
});

test("a command over nothing has no passes", () => {
  expect(stagesOf({ instruction: instructions.square, spans: [span(1, 1), span(2, 1)], params: [0] })).toEqual([]);
});

test("the same command gives the same pass, so that its kernel is found again", () => {
  const stage = (slot: number) =>
    stagesOf({ instruction: instructions.square, spans: [span(slot, 7), span(2, 7)], params: [7] })[0];
  expect(stage(1)?.pass).toBe(stage(3)?.pass);
});

test("a pass that would write past the end is refused", () => {
  const command = { instruction: instructions.square, spans: [span(1, 5), span(2, 10)], params: [10] };
  expect(() => stagesOf(command)).toThrow("The lowering of square is wrong: a pass writes 10 words to a buffer of 5");
});
