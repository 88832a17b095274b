/**
 * `npm run bench`: this engine beside PyTorch and TensorFlow.js, on this machine, in the same run.
 *
 *   --rounds 5 --seconds 0.5    measurements of each, and how long one takes
 *   --only mlp                  workloads whose name contains this
 *   --torch-compile             torch.compile as well: a minute of its compiling
 *   PYTHON=a,b                  the Pythons whose PyTorch to ask (python3)
 *
 * Contestants take turns round by round, so that a machine that slows down slows all of them. Reported are
 * medians: of the rates, and of the rounds' ratios.
 */
import { parseArgs } from "node:util";
import { type Contestant, contestantsOf, createEngines } from "./contestants.ts";
import { load, machine } from "./machine.ts";
import { type Peer, startTfjsPeer, startTorchPeer } from "./peer.ts";
import { type Result, resultTable } from "./result-table.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "0.5" },
    only: { type: "string", default: "" },
    "torch-compile": { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

const engines = await createEngines();
console.log(machine(`wasm ${engines.alone.variant}`));
console.log(load("before"));
const peers = await startPeers((process.env["PYTHON"] ?? "python3").split(","));
for (const workload of WORKLOADS.filter(({ name }) => name.includes(values.only))) {
  const contestants = contestantsOf(workload, engines, peers, { compiledPeers: values["torch-compile"] });
  console.log(`\n${resultTable(workload, await measureAll(workload, contestants))}`);
}
console.log(`\n${load("after")}`);
for (const peer of peers) peer.close();
for (const engine of [engines.alone, engines.strict, engines.shared?.engine]) engine?.dispose();

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

async function measureAll(workload: Workload, contestants: readonly Contestant[]): Promise<Result[]> {
  const running: { contestant: Contestant; rates: number[]; last: boolean }[] = [];
  const refused: Result[] = [];
  const rateOf = ({ count, seconds: took }: { count: number; seconds: number }) => (count * workload.scale) / took;
  for (const contestant of contestants) {
    // The first measurement warms up, and tells who can't take part.
    const first = await contestant.measure(seconds);
    if ("error" in first) refused.push({ contestant, error: first.error });
    // Whose every repetition takes long is not asked again: nobody should wait for that.
    else if (first.seconds > 10 * seconds) running.push({ contestant, rates: [rateOf(first)], last: true });
    else running.push({ contestant, rates: [], last: false });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, rates, last } of running) {
      const repetitions = last ? null : await contestant.measure(seconds);
      if (repetitions && !("error" in repetitions)) rates.push(rateOf(repetitions));
    }
  }
  return [...running.map(({ contestant, rates }) => ({ contestant, rates })), ...refused];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
