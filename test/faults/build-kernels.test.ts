/** Two processes that start in a fresh clone build the kernels at the same time. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { kernelFlavours, kernelFolder } from "../../src/engine/backends/wasm/kernel-module.ts";

const script = fileURLToPath(new URL("../../scripts/build-kernels.ts", import.meta.url));
const runScript = (folder: string) => promisify(execFile)(process.execPath, [script, folder]);

test("both of two builds at the same time leave whole kernels", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kernels-"));
  try {
    await Promise.all([runScript(folder), runScript(folder)]);
    const files = ["dispatch.ts", "relaxed-simd.wasm", "simd.wasm", "sources.sha256"];
    expect((await readdir(folder)).toSorted()).toEqual(files);
    for (const flavour of kernelFlavours) {
      const built = await readFile(join(folder, `${flavour}.wasm`));
      expect(built.equals(await readFile(new URL(`${flavour}.wasm`, kernelFolder)))).toBe(true);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);
