import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { buildKernels } from "../../../scripts/build-kernels.ts";
import { kernelFlavours, kernelFolder } from "../../../src/engine/backends/wasm/kernel-module.ts";

const script = fileURLToPath(new URL("../../../scripts/build-kernels.ts", import.meta.url));

describe("buildKernels", () => {
  it("does nothing when nothing has changed", async () => {
    await buildKernels();
    expect(await buildKernels()).toEqual({ built: false });
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    expect(stdout).toContain("up to date");
  });

  it("leaves modules that import a memory and nothing else", async () => {
    for (const flavour of kernelFlavours) {
      const module = await WebAssembly.compile(await readFile(new URL(`${flavour}.wasm`, kernelFolder)));
      expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    }
  });
});
