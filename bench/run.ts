/**
 * `npm run bench`: this engine beside PyTorch, on this machine, in the same run.
 *
 *   --rounds 5 --seconds 0.5    measurements of each, and how long one takes
 *   --only mlp                  workloads whose name contains this
 *   --torch-compile             torch.compile as well: a minute of its compiling
 *   PYTHON=a,b                  the Pythons whose PyTorch to ask (python3)
 *
 * Contestants take turns round by round, so that a machine that slows down slows all of them. Reported is the median.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { createOwnEngine, type OwnEngine } from "./own-engine.ts";
import { type Repetitions, type Summary, summarize } from "./repetitions.ts";
import { startTorchPeer, type TorchPeer } from "./torch-peer.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

interface Contestant {
  readonly name: string;
  readonly peer: boolean;
  measure(seconds: number): Promise<Repetitions | null>;
}

interface Result {
  readonly name: string;
  readonly peer: boolean;
  readonly summary: Summary;
}

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

const own = await createOwnEngine();
console.log(
  `${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores; Node ${process.version}; wasm ${own.variant}`,
);
// Others at work on the machine are part of the result.
console.log(`Load before: ${loadavg()[0]?.toFixed(2)} (1 means one core busy)`);
const peers = await startPeers((process.env["PYTHON"] ?? "python3").split(","));
for (const workload of WORKLOADS.filter(({ name }) => name.includes(values.only))) {
  printTable(workload, await measureAll(workload, contestants(workload, own, peers)));
}
for (const peer of peers) peer.close();

/** Each PyTorch on one thread and on as many as it likes. One that is missing is told, not hidden. */
async function startPeers(pythons: readonly string[]): Promise<TorchPeer[]> {
  const started = new Map<string, TorchPeer>();
  for (const python of pythons) {
    for (const threads of [1, 0]) {
      try {
        const peer = await startTorchPeer(python, threads);
        if (started.has(peer.name)) peer.close();
        else started.set(peer.name, peer);
      } catch (error) {
        console.log(
          `No PyTorch from ${python} (${error instanceof Error ? error.message : error}): set PYTHON to compare.`,
        );
        break;
      }
    }
  }
  return [...started.values()];
}

function contestants(workload: Workload, own: OwnEngine, peers: readonly TorchPeer[]): Contestant[] {
  const { plan, instruction } = workload;
  const ours: Contestant[] = [];
  if (plan) {
    for (const mode of ["eager", "compiled"] as const) {
      const measure = async (seconds: number) => own.train({ ...plan, mode }, seconds);
      ours.push({ name: `epochd, ${mode}`, peer: false, measure });
    }
  }
  if (instruction) {
    const measure = async (seconds: number) => own.runInstruction(instruction, seconds);
    ours.push({ name: "epochd, 1 thread", peer: false, measure });
  }
  const theirs = peers.flatMap((peer) =>
    [workload.name, ...(workload.peerVariants ?? []).filter(wanted)].map((variant) => ({
      name: peer.name + variant.slice(workload.name.length).replace("-", ", "),
      peer: true,
      measure: (seconds: number) => peer.measure(variant, seconds),
    })),
  );
  return [...ours, ...theirs];
}

function wanted(peerVariant: string): boolean {
  return values["torch-compile"] || !peerVariant.endsWith("-compiled");
}

async function measureAll(workload: Workload, all: readonly Contestant[]): Promise<Result[]> {
  const rates = new Map<Contestant, number[]>();
  for (const contestant of all) {
    // The first measurement warms up, and tells who can't take part.
    if (await contestant.measure(seconds)) rates.set(contestant, []);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [contestant, measured] of rates) {
      const repetitions = await contestant.measure(seconds);
      if (repetitions) measured.push((repetitions.count * workload.scale) / repetitions.seconds);
    }
  }
  return [...rates].map(([{ name, peer }, measured]) => ({ name, peer, summary: summarize(measured) }));
}

function printTable(workload: Workload, results: readonly Result[]): void {
  const bestPeer = Math.max(...results.filter(({ peer }) => peer).map(({ summary }) => summary.median));
  console.log(`\n${workload.title}`);
  for (const { name, summary } of results) {
    const spread = `${percent(summary.low)} … ${percent(summary.high)}`;
    const ratio = Number.isFinite(bestPeer) ? `${(summary.median / bestPeer).toFixed(2)} × the best PyTorch` : "";
    console.log(
      `  ${name.padEnd(38)}${amount(summary.median).padStart(10)} ${workload.unit.padEnd(11)}${spread.padStart(16)}   ${ratio}`,
    );
  }
}

function percent(part: number): string {
  return `${part < 0 ? "−" : "+"}${Math.abs(part * 100).toFixed(0)} %`;
}

function amount(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
