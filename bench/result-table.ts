/** The table of one workload: rates, how much they spread, and how ours compares. */
import type { Contestant } from "./contestants.ts";
import type { Summary } from "./repetitions.ts";
import type { Workload } from "./workloads.ts";

export type Result =
  | { readonly contestant: Contestant; readonly summary: Summary }
  | { readonly contestant: Contestant; readonly error: string };

export function resultTable({ title, unit }: Workload, results: readonly Result[]): string {
  const lines = results.map((result) => {
    const name = `  ${result.contestant.name.padEnd(38)}`;
    if ("error" in result) return `${name}cannot: ${result.error}`;
    const { median, low, high } = result.summary;
    const spread = `${percent(low)} … ${percent(high)}`;
    const rate = `${amount(median).padStart(10)} ${unit.padEnd(11)}${spread.padStart(16)}`;
    return [name + rate, ...comparisons(result.contestant, median, results)].join("   ");
  });
  return [title, ...lines].join("\n");
}

/** Ours against the fastest of each library, and against what is possible. */
function comparisons({ library, ceiling }: Contestant, median: number, results: readonly Result[]): string[] {
  if (library !== "epochd") return [];
  const fastest = (wanted: (contestant: Contestant) => boolean): number =>
    Math.max(...results.map((result) => ("error" in result || !wanted(result.contestant) ? 0 : result.summary.median)));
  const against = (["PyTorch", "tfjs-wasm"] as const).map((name) => ({
    rate: fastest((other) => other.library === name),
    say: (ratio: number) => `${times(ratio)} × ${name}`,
  }));
  const peak = {
    rate: fastest(({ name }) => name === ceiling),
    say: (ratio: number) => `${percentOf(ratio)} of the peak`,
  };
  return [...against, peak].filter(({ rate }) => rate > 0).map(({ rate, say }) => say(median / rate));
}

const times = (ratio: number): string => (ratio >= 20 ? ratio.toFixed(0) : ratio.toFixed(2)).padStart(5);

const percentOf = (ratio: number): string => `${(ratio * 100).toFixed(0)} %`;

function percent(part: number): string {
  return `${part < 0 ? "−" : "+"}${Math.abs(part * 100).toFixed(0)} %`;
}

function amount(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
