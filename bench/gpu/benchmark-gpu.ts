/** `npm run bench -- --device gpu`: whether the GPU computes what the cpu does, what a step costs, and PyTorch on the same one. */
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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
import { measureSubmits, type Submits } from "./submits.ts";

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
    console.log(`${machine()}\n${found.why}\n`);
    await tellWhatAskingTakes();
    return;
  }
  const { adapter, driver, mode } = found.facts;
  console.log(`${machine(`${adapter} (${driver}), gpu.js in mode ${mode}`)}\n${load("before")}\n`);
  const chosen = [...WORKLOADS, wideForGpus].filter(({ name }) => name.includes(only));
  console.log(inWords(await measureSubmits()));
  await tellWhatAskingTakes();
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

function inWords({ instructions, steps, perStep, microseconds, busyMicroseconds }: Submits): string {
  return (
    `A step of ${instructions} instructions, ${steps} times: ${perStep.toFixed(3)} submits a step, ` +
    `${microseconds.toFixed(2)} µs an instruction, of which this process computes for ${busyMicroseconds.toFixed(2)}`
  );
}

/** In a process of its own, which has another device. */
async function tellWhatAskingTakes(): Promise<void> {
  const script = fileURLToPath(new URL("submits.ts", import.meta.url));
  const answer = await promisify(execFile)(process.execPath, [script]).catch((error: unknown) => error);
  if (answer instanceof Error || !hasOutput(answer))
    console.log("Dawn can't be loaded: what asking it takes is not known.");
  else console.log(`On Dawn's null device, which computes nothing. ${inWords(JSON.parse(answer.stdout))}`);
}

const hasOutput = (answer: unknown): answer is { stdout: string } =>
  typeof answer === "object" && answer !== null && "stdout" in answer;

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
