/** Specs that ask for more than a job, or whoever posts it, may have. */
import { describe, expect, test } from "vitest";
import { checkSpec, DEFAULT_LIMITS } from "../../src/spec/index.ts";
import { context, iris, mistakesOf } from "./specs-of-the-tests.ts";

test("a job that would stream more losses of steps than a log keeps is told how many to leave out", async () => {
  const streaming = (every_steps: number) => ({
    ...iris,
    batch_size: 1,
    epochs: 20_000,
    stream: { steps: true, every_steps },
  });
  expect(await mistakesOf(streaming(2))).toEqual([
    {
      path: "stream.every_steps",
      message: "the job would stream 1,500,000 losses, at most 1,000,000 are kept; use at least 3",
    },
  ]);
  expect(await mistakesOf(streaming(3))).toEqual([]);
});

describe("limits", () => {
  test("too many parameters, and too much memory, are refused before anything is made", async () => {
    const layers = [
      { type: "Linear", out_features: 1_000_000 },
      { type: "Linear", out_features: 1_000_000 },
      { type: "Linear", out_features: 3 },
    ];
    const errors = await mistakesOf({ ...iris, model: { layers } });
    expect(errors).toEqual([
      {
        path: "model.layers",
        message: expect.stringMatching(/^has 1,000,00\d,\d+,\d+ parameters, at most 100,000,000/),
      },
      { path: "", message: expect.stringMatching(/^needs about .* MiB of memory, at most 2,048 MiB/) },
    ]);
  });
  test("are the caller's to set", async () => {
    const limits = { ...DEFAULT_LIMITS, maxParameters: 10, maxFlops: 100 };
    const checked = await checkSpec(iris, { ...context, limits });
    expect(checked).toMatchObject({ ok: false, errors: [{ path: "model.layers" }, { path: "epochs" }] });
    const longer = { ...iris, epochs: 1, changes: [{ step: 1, epochs: 1000 }] };
    const planned = await checkSpec(longer, { ...context, limits: { ...DEFAULT_LIMITS, maxFlops: 1e5 } });
    expect(planned).toMatchObject({
      ok: false,
      errors: [{ path: "epochs", message: expect.stringMatching(/operations/) }],
    });
  });
});
