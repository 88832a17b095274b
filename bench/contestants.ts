/** Who takes part in a workload: this engine in its modes, the peers, and what the machine could do at most. */
import type { OwnEngine } from "./own-engine.ts";
import type { Peer } from "./peer.ts";
import { type Repetitions, repeat } from "./repetitions.ts";
import { flopsOf, simdPeak } from "./simd-peak.ts";
import { MATRIX_FLOPS, type Workload } from "./workloads.ts";

export interface Contestant {
  readonly name: string;
  readonly library: "epochd" | Peer["library"] | "SIMD peak";
  /** The name of the contestant that says how much is possible. */
  readonly ceiling?: string;
  measure(seconds: number): Promise<Repetitions | { readonly error: string }>;
}

export interface Engines {
  readonly fast: OwnEngine;
  readonly strict: OwnEngine;
}

export function contestantsOf(
  workload: Workload,
  engines: Engines,
  peers: readonly Peer[],
  { compiledPeers }: { compiledPeers: boolean },
): Contestant[] {
  return [...ours(workload, engines), ...peers.flatMap((peer) => theirs(workload, peer, compiledPeers))];
}

function ours({ plan, instruction }: Workload, { fast, strict }: Engines): Contestant[] {
  if (plan) {
    return (["eager", "compiled"] as const).map((mode) => ({
      name: `epochd, ${mode}`,
      library: "epochd",
      measure: async (seconds) => fast.train({ ...plan, mode }, seconds),
    }));
  }
  if (!instruction) return [];
  const run = (engine: OwnEngine) => async (seconds: number) => engine.runInstruction(instruction, seconds);
  const plain: Contestant = { name: "epochd, 1 thread", library: "epochd", measure: run(fast) };
  if (instruction !== "matmul") return [plain];
  return [
    ...besidePeak({ ...plain, measure: run(fast) }, fast),
    ...(fast.variant === strict.variant
      ? []
      : besidePeak({ ...plain, name: "epochd, strict, 1 thread", measure: run(strict) }, strict)),
  ];
}

/** With the peak of the instructions that its products are made of. */
function besidePeak(contestant: Contestant, { variant }: OwnEngine): Contestant[] {
  const fused = variant.includes("relaxed");
  const run = simdPeak(fused ? "fused" : "apart");
  if (!run) throw new Error(`This machine runs the ${variant} kernels, but not their instructions alone.`);
  const name = `SIMD peak, ${fused ? "fused multiply-add" : "multiply, then add"}, 1 thread`;
  const peak: Contestant = { name, library: "SIMD peak", measure: async (seconds) => repeatedFlops(run, seconds) };
  return [{ ...contestant, ceiling: name }, peak];
}

const ROUNDS = 10_000;

/** Counted in matrix products of the workload's size, so that both have one unit. */
function repeatedFlops(run: (rounds: number, x: number) => number, seconds: number): Repetitions {
  const { count, seconds: took } = repeat(() => run(ROUNDS, 1e-3), seconds);
  return { count: (count * flopsOf(ROUNDS)) / MATRIX_FLOPS, seconds: took };
}

function theirs(workload: Workload, peer: Peer, compiled: boolean): Contestant[] {
  const variants = peer.library === "PyTorch" ? (workload.torchVariants ?? []) : [];
  return [workload.name, ...variants.filter((variant) => compiled || !variant.endsWith("-compiled"))].map(
    (variant) => ({
      name: peer.name + variant.slice(workload.name.length).replace("-", ", "),
      library: peer.library,
      measure: (seconds) => peer.measure(variant, seconds),
    }),
  );
}
