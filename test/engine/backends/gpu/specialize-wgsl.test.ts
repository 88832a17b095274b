import { expect, test } from "vitest";
import { openWebgpu } from "../../../../src/engine/backends/gpu/facade.ts";
import type { Pass } from "../../../../src/engine/backends/gpu/lowering.ts";
import { specialize } from "../../../../src/engine/backends/gpu/specialize-wgsl.ts";

const pass: Pass = {
  source: "function (a, b) { return a[this.thread.x] + b[this.thread.y][this.thread.x]; }",
  output: [3, 2],
  reads: [{ operand: 1 }, { operand: 2, size: [3, 2] }],
  writes: { operand: 0 },
};

const { translate } = await openWebgpu({ flags: ["backend=null"], selfTest: false });
const bound = (code: string): string[] =>
  [...code.matchAll(/binding\((\d)\) var<(.*?)> (\w+)/g)].map((m) => m.slice(1).join(" "));

test("sizes become constants, and all bindings writable", () => {
  const { code, workgroups } = specialize(translate(pass, [3, 6]), pass.output, [0, 1, 2]);
  expect(code).toContain(
    "const params = Params(3u, 2u, 1u, 0u, vec4<u32>(3u, 1u, 1u, 3u), vec4<u32>(3u, 2u, 1u, 6u));",
  );
  expect(bound(code)).toEqual([
    "0 storage, read_write user_a",
    "1 storage, read_write user_b",
    "2 storage, read_write result",
  ]);
  expect(workgroups).toEqual([1, 1, 1]);
});

test("what is the same memory is bound once", () => {
  const inPlace = specialize(translate(pass, [3, 6]), pass.output, [0, 1, 1]).code;
  expect(bound(inPlace)).toEqual(["0 storage, read_write user_a", "1 storage, read_write user_b"]);
  expect(inPlace).toContain("user_b[data_index] = ");
  const twice = specialize(translate(pass, [3, 6]), pass.output, [0, 0, 1]).code;
  expect(bound(twice)).toEqual(["0 storage, read_write user_a", "1 storage, read_write result"]);
});

test("long rows are folded as WebGPU wants them, and counted as the kernel does", () => {
  const long: Pass = {
    ...pass,
    source: "function (a) { return a[this.thread.x]; }",
    output: [5_000_000],
    reads: [{ operand: 1 }],
  };
  const { code, workgroups } = specialize(translate(long, [5_000_000]), long.output, [0, 1]);
  const [x, y] = workgroups;
  expect(x * y * 64).toBeGreaterThanOrEqual(5_000_000);
  expect(Math.max(...workgroups)).toBeLessThanOrEqual(65_535);
  expect(code).toContain(`const params = Params(5000000u, 1u, 1u, ${x * 64}u,`);
});
