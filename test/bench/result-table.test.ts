import { expect, test } from "vitest";
import type { Contestant } from "../../bench/contestants.ts";
import { resultTable } from "../../bench/result-table.ts";

const workload = { name: "product", title: "A product", unit: "GFLOP/s", scale: 1 };
const contestant = (name: string, library: Contestant["library"], ceiling?: string): Contestant => ({
  name,
  library,
  ...(ceiling !== undefined && { ceiling }),
  measure: async () => ({ count: 0, seconds: 1 }),
});

test("ours is held against the fastest of each library, and against the peak", () => {
  const table = resultTable(workload, [
    { contestant: contestant("epochd", "epochd", "the peak"), rates: [45] },
    { contestant: contestant("the peak", "SIMD peak"), rates: [50] },
    { contestant: contestant("PyTorch, 1 thread", "PyTorch"), rates: [60] },
    { contestant: contestant("PyTorch, 2 threads", "PyTorch"), rates: [90] },
    { contestant: contestant("tfjs", "tfjs-wasm"), rates: [20] },
  ]);
  const [, ours, ...others] = table.split("\n");
  expect(ours).toMatch(/epochd.* 45\.0 GFLOP\/s .*0\.50 × PyTorch.* 2\.25 × tfjs-wasm.*90 % of the peak/);
  for (const line of others) expect(line).not.toContain("×");
});

test("who can't take part says why, and nothing is held against it", () => {
  const table = resultTable(workload, [
    { contestant: contestant("epochd", "epochd"), rates: [45] },
    { contestant: contestant("tfjs", "tfjs-wasm"), error: "no such kernel" },
  ]);
  expect(table).toMatch(/tfjs +cannot: no such kernel/);
  expect(table).not.toContain("× tfjs-wasm");
});

test("a round in which the machine was slow for both makes no difference between them", () => {
  const table = resultTable(workload, [
    { contestant: contestant("epochd", "epochd"), rates: [45, 9, 50] },
    { contestant: contestant("PyTorch", "PyTorch"), rates: [90, 18, 20] },
  ]);
  expect(table).toContain("0.50 × PyTorch");
});
