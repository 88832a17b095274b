/** The table of one workload: rates, how much they spread, and how ours compares. */
import type { Contestant } from "./contestants.ts";
import { summarize } from "./repetitions.ts";
import type { Workload } from "./workloads.ts";

export type Result =
  | { readonly contestant: Contestant /** By round. */; readonly rates: readonly number[] }
  | { readonly contestant: Contestant; readonly error: string };

export function resultTable({ title, unit }: Workload, results: readonly Result[]): string {
  const lines = results.map((result) => {
    const name = `  ${result.contestant.name.padEnd(38)}`;
    if ("error" in result) return `${name}cannot: ${result.error}`;
    const { median, low, high } = summarize(result.rates);
    const spread = result.rates.length === 1 ? "measured once" : `${percent(low)} … ${percent(high)}`;
    const rate = `${amount(median).padStart(10)} ${unit.padEnd(11)}${spread.padStart(16)}`;
    return [name + rate, ...comparisons(result.contestant, result.rates, results)].join("   ");
  });
  return [title, ...lines].join("\n");
}

/** Ours against the fastest of each library, and against what is possible. */
function comparisons({ library, ceiling }: Contestant, rates: readonly number[], results: readonly Result[]): string[] {
  if (library !== "epochd") return [];
  const ratioTo = (wanted: (contestant: Contestant) => boolean): number[] => {
    const [fastest] = results
      .flatMap((result) => ("error" in result || !wanted(result.contestant) ? [] : [result.rates]))
      .sort((a, b) => summarize(b).median - summarize(a).median);
    return fastest ? [ratio(rates, fastest)] : [];
  };
  return [
    ...(["PyTorch", "tfjs-wasm"] as const).flatMap((name) =>
      ratioTo((other) => other.library === name).map((found) => `${times(found)} × ${name}`),
    ),
    ...ratioTo(({ name }) => name === ceiling).map((found) => `${(found * 100).toFixed(0)} % of the peak`),
  ];
}

/** The median of the rounds' ratios: what slows a machine down for a round then slows both, and is no difference. */
function ratio(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return summarize(ours).median / summarize(theirs).median;
  return summarize(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN))).median;
}

const times = (found: number): string => (found >= 20 ? found.toFixed(0) : found.toFixed(2)).padStart(5);

function percent(part: number): string {
  return `${part < 0 ? "−" : "+"}${Math.abs(part * 100).toFixed(0)} %`;
}

function amount(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
