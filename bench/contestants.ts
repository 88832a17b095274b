/** Who takes part in a workload: this engine in its modes, the peers, and what the machine could do at most. */
import { availableParallelism } from "node:os";
import { createOwnEngine, type OwnEngine } from "./own-engine.ts";
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

/** This engine as it may run: on one thread, on one thread with strict numerics, and on a thread for each core. */
export interface Engines {
  readonly alone: OwnEngine;
  readonly strict: OwnEngine;
  /** Missing on a machine of one core. */
  readonly shared: { readonly engine: OwnEngine; readonly threads: number } | null;
}

export async function createEngines(): Promise<Engines> {
  const threads = availableParallelism();
  return {
    alone: await createOwnEngine({ threads: 1 }),
    strict: await createOwnEngine({ threads: 1, numerics: "strict" }),
    shared: threads > 1 ? { engine: await createOwnEngine({ threads }), threads } : null,
  };
}

export function contestantsOf(
  workload: Workload,
  engines: Engines,
  peers: readonly Peer[],
  { compiledPeers }: { compiledPeers: boolean },
): Contestant[] {
  return [...ours(workload, engines), ...peers.flatMap((peer) => theirs(workload, peer, compiledPeers))];
}

function ours({ plan, instruction }: Workload, { alone, strict, shared }: Engines): Contestant[] {
  const widths = [{ engine: alone, words: "1 thread" }];
  if (shared) widths.push({ engine: shared.engine, words: `${shared.threads} threads` });
  if (plan) {
    return (["eager", "compiled"] as const).flatMap((mode) =>
      widths.map(({ engine, words }) => ({
        name: `epochd, ${mode}, ${words}`,
        library: "epochd" as const,
        measure: async (seconds: number) => engine.train({ ...plan, mode }, seconds),
      })),
    );
  }
  if (!instruction) return [];
  const runs = (engine: OwnEngine, words: string): Contestant => ({
    name: `epochd, ${words}`,
    library: "epochd",
    measure: async (seconds) => engine.runInstruction(instruction, seconds),
  });
  const [first, ...others] = widths.map(({ engine, words }) => runs(engine, words));
  if (!first || instruction !== "matmul") return [first, ...others].filter((one) => one !== undefined);
  const strictly = alone.variant === strict.variant ? [] : besidePeak(runs(strict, "strict, 1 thread"), strict);
  return [...besidePeak(first, alone), ...others, ...strictly];
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
