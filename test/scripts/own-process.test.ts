import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compileKernels } from "../../scripts/compile-kernels.ts";
import { inOwnProcess } from "../../scripts/own-process.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const sources = fileURLToPath(new URL("../../src/engine/backends/wasm/kernels", import.meta.url));

test("what goes wrong in another process is told here, in the same words", async () => {
  const compiled = compileKernels({
    root,
    sources,
    dispatch: "export function run(): i32 { return nowhere; }",
    relaxed: false,
  });
  await expect(compiled).rejects.toThrow(/The kernels don't compile:[\s\S]*Cannot find name 'nowhere'/);
});

test("a process that ends without an answer is named", async () => {
  await expect(inOwnProcess(new URL("./nowhere.ts", import.meta.url).href, {})).rejects.toThrow(
    "nowhere.ts ended with code 1",
  );
});
