/**
 * `npm run bench`: this engine beside PyTorch and TensorFlow.js, on this machine, in the same run.
 *
 *   --rounds 5 --seconds 0.5    measurements of each, and how long one takes
 *   --only mlp                  workloads whose name contains this
 *   --device gpu                on the GPU, beside PyTorch on the same one: what a step takes, and whether it is right
 *   --torch-compile             torch.compile as well: a minute of its compiling
 *   PYTHON=a,b                  the Pythons whose PyTorch to ask (python3)
 *
 * Contestants take turns round by round, so that a machine that slows down slows all of them. Reported are
 * medians: of the rates, and of the rounds' ratios.
 */
import { parseArgs } from "node:util";
import { contestantsOf, createEngines } from "./contestants.ts";
import { benchmarkGpu } from "./gpu/benchmark-gpu.ts";
import { load, machine } from "./machine.ts";
import { type Peer, startTfjsPeer, startTorchPeer } from "./peer.ts";
import { resultTable } from "./result-table.ts";
import { measureAll } from "./rounds.ts";
import { WORKLOADS } from "./workloads.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "0.5" },
    device: { type: "string", default: "cpu" },
    only: { type: "string", default: "" },
    "torch-compile": { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

const pythons = (process.env["PYTHON"] ?? "python3").split(",");

if (values.device === "gpu") await benchmarkGpu({ rounds, seconds, only: values.only, pythons });
else await benchmarkCpu();

async function benchmarkCpu(): Promise<void> {
  const engines = await createEngines();
  console.log(machine(`wasm ${engines.alone.variant}`));
  console.log(load("before"));
  const peers = await startPeers(pythons);
  for (const workload of WORKLOADS.filter(({ name }) => name.includes(values.only))) {
    const contestants = contestantsOf(workload, engines, peers, { compiledPeers: values["torch-compile"] });
    console.log(`\n${resultTable(workload, await measureAll(workload, contestants, { rounds, seconds }))}`);
  }
  console.log(`\n${load("after")}`);
  for (const peer of peers) peer.close();
  for (const engine of [engines.alone, engines.strict, engines.shared?.engine]) engine?.dispose();
}

/** Each PyTorch on one thread and on as many as it likes, and TensorFlow.js. One that is missing is told, not hidden. */
async function startPeers(pythons: readonly string[]): Promise<Peer[]> {
  const started = new Map<string, Peer>();
  for (const python of pythons) {
    for (const threads of [1, 0]) {
      try {
        const peer = await startTorchPeer(python, threads);
        if (started.has(peer.name)) peer.close();
        else started.set(peer.name, peer);
      } catch (error) {
        console.log(`No PyTorch from ${python} (${messageOf(error)}): set PYTHON to compare.`);
        break;
      }
    }
  }
  try {
    const peer = await startTfjsPeer();
    started.set(peer.name, peer);
  } catch (error) {
    console.log(`No tfjs-wasm: ${messageOf(error)}`);
  }
  return [...started.values()];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
