import { expect, test } from "vitest";
import type { Contestant } from "../../bench/contestants.ts";
import { summarize } from "../../bench/repetitions.ts";
import { resultTable } from "../../bench/result-table.ts";

const workload = { name: "product", title: "A product", unit: "GFLOP/s", scale: 1 };
const contestant = (name: string, library: Contestant["library"], ceiling?: string): Contestant => ({
  name,
  library,
  ...(ceiling !== undefined && { ceiling }),
  measure: async () => ({ count: 0, seconds: 1 }),
});
const rate = (median: number) => summarize([median]);

test("ours is held against the fastest of each library, and against the peak", () => {
  const table = resultTable(workload, [
    { contestant: contestant("epochd", "epochd", "the peak"), summary: rate(45) },
    { contestant: contestant("the peak", "SIMD peak"), summary: rate(50) },
    { contestant: contestant("PyTorch, 1 thread", "PyTorch"), summary: rate(60) },
    { contestant: contestant("PyTorch, 2 threads", "PyTorch"), summary: rate(90) },
    { contestant: contestant("tfjs", "tfjs-wasm"), summary: rate(20) },
  ]);
  const [, ours, ...others] = table.split("\n");
  expect(ours).toMatch(/epochd.* 45\.0 GFLOP\/s .*0\.50 × PyTorch.* 2\.25 × tfjs-wasm.*90 % of the peak/);
  for (const line of others) expect(line).not.toContain("×");
});

test("who can't take part says why, and nothing is held against it", () => {
  const table = resultTable(workload, [
    { contestant: contestant("epochd", "epochd"), summary: rate(45) },
    { contestant: contestant("tfjs", "tfjs-wasm"), error: "no such kernel" },
  ]);
  expect(table).toMatch(/tfjs +cannot: no such kernel/);
  expect(table).not.toContain("× tfjs-wasm");
});
