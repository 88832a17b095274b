/** `npm run bench -- --device gpu`: whether the GPU computes what the cpu does, what a step costs, and PyTorch on the same one. */
import { availableParallelism } from "node:os";
import { createGpuBackend, findGpu, type GpuBackend, type TrainingPlan } from "../../src/engine/index.ts";
import { checkLayers } from "../../src/spec/check-layers.ts";
import { Mistakes } from "../../src/spec/mistakes.ts";
import type { Contestant } from "../contestants.ts";
import { load, machine } from "../machine.ts";
import { createOwnEngine, type OwnEngine, train } from "../own-engine.ts";
import { type Peer, startTorchPeer } from "../peer.ts";
import { summarize } from "../repetitions.ts";
import { type Result, resultTable } from "../result-table.ts";
import { measureAll, type Rounds } from "../rounds.ts";
import { WORKLOADS, type Workload, wideForGpus } from "../workloads.ts";
import { FIRST_STEPS, largestDifference } from "./largest-difference.ts";
import { measureSubmits } from "./submits.ts";

export interface GpuBenchmark extends Rounds {
  /** Workloads whose name contains this. */
  readonly only: string;
  /** Whose PyTorch to ask. */
  readonly pythons: readonly string[];
}

/** Floating-point operations of a step: with more of them it takes software minutes to be compared. */
const MOST_IN_SOFTWARE = 0.2e9;
/** Vulkan drivers that play a GPU on the cpu. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe/i;

export async function benchmarkGpu({ only, pythons, ...rounds }: GpuBenchmark): Promise<void> {
  const found = await findGpu();
  if (!found.available) {
    console.log(`${machine()}\n${found.why}`);
    return;
  }
  const { adapter, driver, mode } = found.facts;
  console.log(`${machine(`${adapter} (${driver}), gpu.js in mode ${mode}`)}\n${load("before")}\n`);
  const chosen = [...WORKLOADS, wideForGpus].filter(({ name }) => name.includes(only));
  const submits = await measureSubmits();
  console.log(
    `A step of ${submits.instructions} instructions, ${submits.steps} times: ${submits.perStep.toFixed(3)} submits a step, ` +
      `${submits.microseconds.toFixed(2)} µs an instruction`,
  );
  const cpu = await createOwnEngine({ threads: availableParallelism() });
  const backend = await createGpuBackend();
  const software = SOFTWARE.test(`${adapter} ${driver}`);
  for (const { name, plan } of chosen.filter((workload) => workload !== wideForGpus)) {
    if (!plan || (software && flopsOfStep(plan) > MOST_IN_SOFTWARE)) continue;
    const difference = await largestDifference(plan, backend);
    console.log(
      `${name}: the losses of the first ${FIRST_STEPS} steps differ from the cpu's by ${difference.toExponential(1)} at most`,
    );
  }
  if (software) {
    console.log("\nThis GPU is software on the cpu: how fast it trains says nothing of one that is not.");
  } else {
    const peers = await startPeers(pythons);
    for (const workload of chosen) await compare(workload, backend, adapter, cpu, peers, rounds);
    for (const peer of peers) peer.close();
  }
  console.log(`\n${load("after")}`);
  await backend.dispose();
  cpu.dispose();
}

async function compare(
  workload: Workload,
  backend: GpuBackend,
  adapter: string,
  cpu: OwnEngine,
  peers: readonly Peer[],
  rounds: Rounds,
): Promise<void> {
  const { plan } = workload;
  if (!plan) return;
  const contestants: Contestant[] = [
    { name: `epochd, ${adapter}`, library: "epochd", measure: async (seconds) => train(plan, backend, seconds) },
    ...peers.map(({ name, library, measure }) => ({
      name,
      library,
      measure: (seconds: number) => measure(workload.name, seconds),
    })),
  ];
  if (workload !== wideForGpus) {
    const measure = async (seconds: number) => cpu.train(plan, seconds);
    contestants.push({ name: `epochd, cpu, ${availableParallelism()} threads`, library: "epochd", measure });
  }
  const results = await measureAll(workload, contestants, rounds);
  console.log(`\n${resultTable(workload, results)}\n${arithmetic(plan, results)}`);
}

/** The forward pass, the gradient of the inputs and that of the weights. */
function flopsOfStep({ layers, train: { inputShape }, batchSize }: TrainingPlan): number {
  const model = checkLayers(layers, inputShape, new Mistakes()).resolved;
  if (!model) throw new Error("The benchmark's network is not a right one.");
  return 3 * batchSize * model.layers.reduce((sum, layer) => sum + layer.flops, 0);
}

function arithmetic(plan: TrainingPlan, results: readonly Result[]): string {
  const flops = flopsOfStep(plan);
  const rates = results.flatMap((result) =>
    "error" in result
      ? []
      : [`${result.contestant.name} ${((summarize(result.rates).median * flops) / 1e9).toPrecision(3)}`],
  );
  return `  A step is ${(flops / 1e9).toPrecision(3)} GFLOP. GFLOP/s: ${rates.join("; ")}`;
}

/** PyTorch on the GPU; where it has none, that is told. */
async function startPeers(pythons: readonly string[]): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const python of pythons) {
    try {
      peers.push(await startTorchPeer(python, 0, "cuda"));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      console.log(`No PyTorch on a GPU from ${python} (${why}): set PYTHON to compare.`);
    }
  }
  return peers;
}
