/** Every kernel that lowerings generate, held to the house rules and run as the JavaScript that it is. */
import { describe, expect, it } from "vitest";
import { lowerings } from "../../../../src/engine/backends/gpu/lowerings/index.ts";
import { toWords } from "../../../../src/engine/backends/gpu/words.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { bufferNames } from "../device-call.ts";
import { fixedCalls, instructionNames, lower } from "./gpu-calls.ts";
import { runAsJavaScript } from "./javascript.ts";
import { broken } from "./kernel-rules.ts";
import { largeStages } from "./large-calls.ts";

describe("generated kernels", () => {
  it("exist for every instruction", () => {
    expect(instructionNames.filter((name) => !lowerings[name])).toEqual([]);
  });

  it.each(instructionNames)("%s: keep the house rules", (name) => {
    for (const call of fixedCalls(name, 60))
      for (const pass of lower(name, call).passes) expect(broken(pass), pass.source).toEqual([]);
  });

  it.each(largeStages().map(({ what, stages }) => [what, stages] as const))("%s: keep them when large", (_, stages) => {
    for (const { pass } of stages) expect(broken(pass), pass.source).toEqual([]);
  });

  it.each(instructionNames)("%s: read only what is there, and in place only their own", (name) => {
    for (const call of fixedCalls(name, 12)) {
      const buffers = bufferNames(instructions[name as InstructionName]).map((array) => toWords(call.arrays[array]!));
      runAsJavaScript(lower(name, call), buffers);
    }
  });
});

describe("the house rules", () => {
  const kernel = (body: string) => ({
    source: `function (a) {\n${body}\n}`,
    output: [4] as const,
    reads: [{ operand: 1 }],
    writes: { operand: 0 },
  });
  const why = (body: string) => broken(kernel(body)).join("; ");

  it("let a plain kernel be", () => {
    expect(why("let s = 0;\nfor (let i = 0; i < 4; i++) {\ns += a[this.thread.x * 4 + i];\n}\nreturn s;")).toBe("");
  });

  it.each([
    ["while (a[0] > 0) { }", "cuts or skips"],
    ["for (let i = 0; i < a[0]; i++) { }", "between literals"],
    ["return Math.max(a[0], 0);", "GPUs differ in this function"],
    ["return Math.exp(a[0]);", "lose NaN"],
    ["return a[0] > 3 ? Infinity : 0;", "do not exist on a GPU"],
    ["return a[this.thread.x / 4];", "use quotient"],
    ["const v = a[0];\nif (v > 0) {\nconst v = 1;\n}\nreturn v;", "declared twice"],
    ["return other(a[0]);", "calls other"],
    ["return 1;", "never reads a"],
    ["return a[0] !== a[1] ? 1 : 0;", "not what it says for NaN"],
    ["return a[0] ** 2;", "GPUs differ"],
    ["let k = 3;\nk--;\nreturn a[0];", "counts only whole numbers"],
  ])("find what is wrong with %s", (body, what) => {
    expect(why(body)).toContain(what);
  });
});
