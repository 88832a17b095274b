import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { buildKernels } from "../../../scripts/build-kernels.ts";
import {
  instantiateKernels,
  kernelFlavours,
  kernelFolder,
  loadKernels,
} from "../../../src/engine/backends/wasm/kernel-module.ts";

const script = fileURLToPath(new URL("../../../scripts/build-kernels.ts", import.meta.url));
const runScript = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args]);

describe("buildKernels", () => {
  it("does nothing when nothing has changed", async () => {
    await buildKernels();
    expect(await buildKernels()).toEqual({ built: false });
    expect((await runScript()).stdout).toContain("up to date");
  });

  it("leaves modules that import a memory and nothing else", async () => {
    for (const flavour of kernelFlavours) {
      const module = await WebAssembly.compile(await readFile(new URL(`${flavour}.wasm`, kernelFolder)));
      expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    }
  });
});

describe("loadKernels", () => {
  it("refuses kernels that are missing, or were built for another instruction table", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kernels-"));
    const url = pathToFileURL(`${folder}/`);
    try {
      await expect(loadKernels("strict", url)).rejects.toThrow("Build them first: node scripts/build-kernels.ts");
      const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
      await writeFile(join(folder, "simd.wasm"), emptyModule);
      const { module } = await loadKernels("strict", url);
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      expect(() => instantiateKernels(module, memory)).toThrow("another version");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
