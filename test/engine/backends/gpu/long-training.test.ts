/** Long trainings leave memory as it was: nothing that a step makes may stay, neither here nor in Dawn. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { LongTraining } from "../../../../bench/gpu/long-training.ts";

const mode = process.env["EPOCHD_TEST_BACKEND"];

it.skipIf(!mode)("20,000 steps hold what the first 1,000 did", { timeout: 1_200_000 }, async () => {
  const script = fileURLToPath(new URL("../../../../bench/gpu/long-training.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script, mode ?? "", "logistic"]);
  const { steps, rss, live }: LongTraining = JSON.parse(stdout);
  expect(steps).toBe(20_000);
  expect(live.last).toBeLessThan(1.1 * live.first);
  // gpu.js in WebAssembly leaves arrays behind at each call, which V8 collects when it likes.
  if (mode !== "webgpu") return;
  expect(rss.last).toBeLessThan(1.1 * rss.first);
});
