/** The calls about sweeps, and what their streams tell. */
import type { Sweep, SweepWithLeaderboard, Trial, TrialCounts } from "../../jobs/sweeps/sweep.ts";
import { ask } from "./client.ts";
import type { Page } from "./jobs.ts";

export type { Sweep, Trial };

/** All about one trial as it is now. */
export interface TrialEvent {
  readonly trial: Trial;
  readonly trials: TrialCounts;
}

export const sweepPath = (id: string): string => `/v1/sweeps/${encodeURIComponent(id)}`;

export const listSweeps = (limit: number): Promise<Page<Sweep>> => ask(`/v1/sweeps?limit=${limit}`);
export const getSweep = (id: string): Promise<SweepWithLeaderboard> => ask(`${sweepPath(id)}?limit=1`);
export const cancelSweep = (id: string): Promise<Sweep> => ask(`${sweepPath(id)}/cancel`, { method: "POST" });
export const pauseSweep = (id: string): Promise<Sweep> => ask(`${sweepPath(id)}/pause`, { method: "POST" });
export const resumeSweep = (id: string): Promise<Sweep> => ask(`${sweepPath(id)}/resume`, { method: "POST" });

/** In the order in which they were drawn, page by page. */
export async function allTrials(id: string): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (let cursor: string | null = "0"; cursor !== null; ) {
    const page: Page<Trial> = await ask(`${sweepPath(id)}/trials?limit=1000&cursor=${cursor}`);
    trials.push(...page.data);
    cursor = page.next_cursor;
  }
  return trials;
}

/** What its trials are measured by. */
export function objectiveOf({ spec }: Sweep): { metric: string; wantsMost: boolean } {
  const { metric = "loss", mode = "min" } = (spec["objective"] ?? {}) as { metric?: string; mode?: string };
  return { metric, wantsMost: mode === "max" };
}

/** How many trials there may be. */
export function mostTrials({ spec, trials }: Sweep): number {
  return typeof spec["trials"] === "number" ? spec["trials"] : trials.drawn;
}
