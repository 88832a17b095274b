/**
 * 20,000 steps of a benchmark's network through gpu.js, in a process that does nothing else: how much memory it holds after
 * the first thousand and after the last. `node --expose-gc bench/gpu/long-training.ts webgpu|webasm logistic|mlp`
 * prints it as JSON.
 */
import { parseArgs } from "node:util";
import { createGpuBackend, Trainer } from "../../src/engine/index.ts";
import { WORKLOADS } from "../workloads.ts";

const STEPS = 20_000;
const FIRST = 1000;

export interface LongTraining {
  readonly adapter: string;
  readonly workload: string;
  readonly steps: number;
  readonly seconds: number;
  /** Bytes that the process holds after the first 1,000 steps, and after the last one. */
  readonly rss: { readonly first: number; readonly last: number };
  /** Of these, what JavaScript has not done with: gpu.js's WebAssembly mode makes much that is only waiting to be collected. */
  readonly live: { readonly first: number; readonly last: number };
}

const { positionals } = parseArgs({ allowPositionals: true });
const [mode = "webgpu", name = "mlp"] = positionals;
if (mode !== "webgpu" && mode !== "webasm") throw new Error(`Expected webgpu or webasm, got ${mode}.`);
const plan = WORKLOADS.find((workload) => workload.name === name)?.plan;
if (!plan) throw new Error(`There is no training "${name}" among the benchmarks.`);

const backend = await createGpuBackend({ mode });
const held = { rss: [] as number[], live: [] as number[] };
let step = 0;
const start = performance.now();
const trainer = Trainer.create({ ...plan, epochs: Math.ceil((STEPS * plan.batchSize) / plan.train.count) }, backend);
trainer.run({
  onEvent: (event) => {
    if (event.type !== "epoch") return;
    const isFirst = step < FIRST && event.step >= FIRST;
    step = event.step;
    if (isFirst || step >= STEPS) look();
  },
  shouldStop: () => false,
});
const seconds = (performance.now() - start) / 1000;
const ends = ([first = 0, last = 0]: readonly number[]) => ({ first, last });
const { adapter } = backend.facts;
const result: LongTraining = {
  adapter,
  workload: name,
  steps: step,
  seconds,
  rss: ends(held.rss),
  live: ends(held.live),
};
console.log(JSON.stringify(result));
trainer.dispose();
await backend.dispose();

function look(): void {
  const { rss } = process.memoryUsage();
  held.rss.push(rss);
  if (!globalThis.gc) throw new Error("Run it with node --expose-gc.");
  // What a first collection finds, arrays outside the heap are freed by the next.
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  held.live.push(heapUsed + external);
}
