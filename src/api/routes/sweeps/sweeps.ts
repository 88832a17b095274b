/** Sweeps that exist: one with its leaderboard, many, the trials of one, and away with one. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { MOST_RANKED, Sweep, SweepWithLeaderboard, Trial, trialView } from "../../../jobs/sweeps/sweep.ts";
import { answer, nothing, problems } from "../../openapi.ts";
import type { ApiParts } from "../../parts.ts";
import { ProblemError } from "../../problems.ts";
import { noSuchSweep, page } from "../common.ts";
import { findSweepState, SweepPath } from "./common.ts";

export const SweepList = z
  .object({ data: z.array(Sweep), next_cursor: z.string().nullable() })
  .meta({ id: "SweepList", description: "A page of sweeps, newest first." });

export const TrialList = z
  .object({ data: z.array(Trial), next_cursor: z.string().nullable() })
  .meta({ id: "TrialList", description: "A page of trials, in the order in which they were drawn." });

const rows = (most: number) =>
  z.coerce
    .number("expects a number")
    .int("expects a whole number")
    .min(1, "expects at least 1")
    .max(MOST_RANKED, `expects at most ${MOST_RANKED}`)
    .default(most)
    .describe("How many trials at most.");

export function sweepRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/v1/sweeps",
    {
      schema: {
        operationId: "listSweeps",
        tags: ["sweeps"],
        summary: "List sweeps",
        description: "Newest first.",
        querystring: z.strictObject(page),
        response: { 200: answer("A page of sweeps.", SweepList), ...problems("invalid-parameter") },
      },
    },
    async ({ query: { limit, cursor }, owner }): Promise<z.infer<typeof SweepList>> =>
      parts.sweeps.list({ limit, ...(cursor !== undefined && { cursor }), ...(owner !== null && { owner }) }),
  );

  app.get(
    "/v1/sweeps/:id",
    {
      schema: {
        operationId: "getSweep",
        tags: ["sweeps"],
        summary: "Get a sweep",
        description: "The sweep as its log has it now, its best trial and its leaderboard.",
        params: SweepPath,
        querystring: z.strictObject({ limit: rows(100) }),
        response: { 200: answer("The sweep.", SweepWithLeaderboard), ...problems("invalid-parameter", "not-found") },
      },
    },
    async ({ params: { id }, query: { limit } }): Promise<SweepWithLeaderboard> => {
      const sweep = await parts.sweeps.get(id, limit);
      if (!sweep) throw noSuchSweep(id);
      return sweep;
    },
  );

  app.get(
    "/v1/sweeps/:id/trials",
    {
      schema: {
        operationId: "listTrials",
        tags: ["sweeps"],
        summary: "List the trials of a sweep",
        description: "In the order in which they were drawn.",
        params: SweepPath,
        querystring: z.strictObject({
          limit: rows(100),
          cursor: z
            .string("is given twice; once is enough")
            .regex(/^\d{1,6}$/, "is no cursor; take next_cursor of the page before")
            .optional()
            .describe("`next_cursor` of the page before."),
        }),
        response: { 200: answer("A page of trials.", TrialList), ...problems("invalid-parameter", "not-found") },
      },
    },
    async ({ params: { id }, query: { limit, cursor = "0" } }): Promise<z.infer<typeof TrialList>> => {
      await findSweepState(parts, id);
      const first = Number(cursor);
      // One more shows whether another page follows.
      const found = await parts.sweepLog.trialsFrom(id, first, limit + 1);
      return {
        data: found.slice(0, limit).map(trialView),
        next_cursor: found.length > limit ? String(first + limit) : null,
      };
    },
  );

  app.delete(
    "/v1/sweeps/:id",
    {
      schema: {
        operationId: "deleteSweep",
        tags: ["sweeps"],
        summary: "Delete a finished sweep",
        description: "Removes the sweep and all its trials: their jobs, events, checkpoints and models.",
        params: SweepPath,
        response: { 204: nothing("It is gone."), ...problems("not-found", "wrong-state") },
      },
    },
    async ({ params: { id } }, reply) => {
      const outcome = await parts.sweeps.remove(id);
      if (outcome === "unknown") throw noSuchSweep(id);
      if (outcome === "unfinished")
        throw new ProblemError(
          "wrong-state",
          `Sweep ${id}, or one of its trials, has not ended yet, and only what has ended can be deleted. POST /v1/sweeps/${id}/cancel ends it.`,
        );
      return reply.code(204).send(null);
    },
  );
}
