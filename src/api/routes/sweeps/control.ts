/** Steers a sweep with all its trials: ends it before its time, makes it wait, lets it go on. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { Sweep } from "../../../jobs/sweeps/sweep.ts";
import { sweepView } from "../../../jobs/sweeps/sweep-log.ts";
import { answer, problems } from "../../openapi.ts";
import type { ApiParts } from "../../parts.ts";
import { ProblemError } from "../../problems.ts";
import { noSuchSweep } from "../common.ts";
import { findSweepState, SweepPath } from "./common.ts";

export function sweepControlRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();

  app.post(
    "/v1/sweeps/:id/cancel",
    {
      schema: {
        operationId: "cancelSweep",
        tags: ["sweeps"],
        summary: "Cancel a sweep",
        description:
          "No trial begins any more, and those that wait or train are cancelled, as jobs are; each keeps the weights so far, and the " +
          "leaderboard stays. Cancelling a cancelled sweep changes nothing.",
        params: SweepPath,
        response: {
          200: answer("It is cancelled.", Sweep),
          202: answer("The worker that steers it was told; the `cancelled` event follows.", Sweep),
          ...problems("not-found", "wrong-state"),
        },
      },
    },
    async ({ params: { id } }, reply): Promise<Sweep> => {
      const outcome = await parts.sweeps.cancel(id);
      if (outcome === "unknown") throw noSuchSweep(id);
      if (outcome === "finished") throw await finished(parts, id, "there is nothing left to cancel");
      reply.code(outcome === "requested" ? 202 : 200);
      return sweepView(await findSweepState(parts, id));
    },
  );

  app.post(
    "/v1/sweeps/:id/pause",
    {
      schema: {
        operationId: "pauseSweep",
        tags: ["sweeps"],
        summary: "Pause a sweep",
        description:
          "No trial begins any more, and those that wait or train are paused, as jobs are. Pausing a paused sweep changes nothing.",
        params: SweepPath,
        response: {
          200: answer("It is paused.", Sweep),
          202: answer("The worker that steers it was told; the `paused` event follows.", Sweep),
          ...problems("not-found", "wrong-state"),
        },
      },
    },
    async ({ params: { id } }, reply): Promise<Sweep> => {
      const outcome = await parts.sweeps.pause(id);
      if (outcome === "unknown") throw noSuchSweep(id);
      if (outcome === "finished") throw await finished(parts, id, "there is nothing left to pause");
      reply.code(outcome === "requested" ? 202 : 200);
      return sweepView(await findSweepState(parts, id));
    },
  );

  app.post(
    "/v1/sweeps/:id/resume",
    {
      schema: {
        operationId: "resumeSweep",
        tags: ["sweeps"],
        summary: "Resume a paused sweep",
        description:
          "Its trials go on from their checkpoints, and further ones begin. Resuming a sweep that is not paused changes nothing.",
        params: SweepPath,
        response: { 200: answer("It goes on.", Sweep), ...problems("not-found", "wrong-state") },
      },
    },
    async ({ params: { id } }): Promise<Sweep> => {
      const outcome = await parts.sweeps.resume(id);
      if (outcome === "unknown") throw noSuchSweep(id);
      if (outcome === "finished") throw await finished(parts, id, "it can't go on");
      if (outcome === "pausing")
        throw new ProblemError(
          "wrong-state",
          `Sweep ${id} is about to pause. Resume it once its "paused" event has come.`,
        );
      return sweepView(await findSweepState(parts, id));
    },
  );
}

async function finished(parts: ApiParts, id: string, consequence: string): Promise<ProblemError> {
  const { status } = await findSweepState(parts, id);
  return new ProblemError("wrong-state", `Sweep ${id} is ${status} already; ${consequence}.`);
}
