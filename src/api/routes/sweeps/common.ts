/** What the routes of sweeps share. */
import { z } from "zod";
import type { SweepState } from "../../../jobs/sweeps/sweep-log.ts";
import type { ApiParts } from "../../parts.ts";
import { noSuchSweep } from "../common.ts";

export const SweepPath = z.object({ id: z.string().describe("The sweep's id, `swp_…`.") });

/** The sweep that a path names; a 404 that names it if there is none. */
export async function findSweepState({ sweepLog }: ApiParts, id: string): Promise<SweepState> {
  const state = await sweepLog.state(id);
  if (!state) throw noSuchSweep(id);
  return state;
}
