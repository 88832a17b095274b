import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../../bench/run.ts", import.meta.url));

test("without PyTorch the benchmark says so and measures this engine alone", async () => {
  const args = [script, "--rounds", "1", "--seconds", "0.01", "--only", "logistic"];
  const env = { ...process.env, PYTHON: "/no/such/python" };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toContain("No PyTorch from /no/such/python");
  // The other peer is measured where it is installed; elsewhere the command to install it is told.
  expect(stdout).toMatch(
    /npm ci --ignore-scripts --prefix bench\/peers|tfjs-wasm [\d.]+, \d threads? +[\d,]+ steps\/s/,
  );
  expect(stdout).toMatch(/epochd, eager, 1 thread +[\d,]+ steps\/s/);
  expect(stdout).toMatch(/epochd, compiled, 1 thread +[\d,]+ steps\/s/);
});

test("without a GPU the benchmark of the GPU says why there is none", async () => {
  // No Vulkan driver: what Debian's loader would find is not looked for.
  const env = { ...process.env, VK_ICD_FILENAMES: "/no/such/driver.json", VK_DRIVER_FILES: "/no/such/driver.json" };
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--device", "gpu"], { env });
  expect(stdout).toMatch(/No GPU answers to WebGPU on this machine\. Needed are .*Vulkan loader/);
});
