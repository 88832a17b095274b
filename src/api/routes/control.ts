/** Steers a job: ends it before its time, makes it wait, lets it go on. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { Job } from "../../jobs/job.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { findJob, JobPath, noSuchJob } from "./common.ts";

export function controlRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();

  app.post(
    "/v1/jobs/:id/cancel",
    {
      schema: {
        operationId: "cancelJob",
        tags: ["jobs"],
        summary: "Cancel a job",
        description:
          "A job that waits or pauses ends at once. A running one ends within 250 ms, at the next step, and keeps the weights so far; " +
          "the `cancelled` event says when. Cancelling a cancelled job changes nothing.",
        params: JobPath,
        response: {
          200: answer("It is cancelled.", Job),
          202: answer("Its worker was told; the `cancelled` event follows.", Job),
          ...problems("not-found", "wrong-state"),
        },
      },
    },
    async ({ params: { id } }, reply): Promise<Job> => {
      const outcome = await parts.jobs.cancel(id);
      if (outcome === "finished") throw await finished(parts, id, "there is nothing left to cancel");
      if (outcome === "unknown") throw noSuchJob(id);
      reply.code(outcome === "requested" ? 202 : 200);
      return findJob(parts, id);
    },
  );

  app.post(
    "/v1/jobs/:id/pause",
    {
      schema: {
        operationId: "pauseJob",
        tags: ["jobs"],
        summary: "Pause a job",
        description:
          "A waiting job leaves the queue at once. A running one stores a checkpoint at the next step and leaves its worker to other " +
          "jobs; the `paused` event says when. It stays paused, whatever restarts, until it is resumed or cancelled. Pausing a paused job " +
          "changes nothing.",
        params: JobPath,
        response: {
          200: answer("It is paused.", Job),
          202: answer("Its worker was told; the `paused` event follows.", Job),
          ...problems("not-found", "wrong-state"),
        },
      },
    },
    async ({ params: { id } }, reply): Promise<Job> => {
      const outcome = await parts.jobs.pause(id);
      if (outcome === "finished") throw await finished(parts, id, "there is nothing left to pause");
      if (outcome === "unknown") throw noSuchJob(id);
      reply.code(outcome === "requested" ? 202 : 200);
      return findJob(parts, id);
    },
  );

  app.post(
    "/v1/jobs/:id/resume",
    {
      schema: {
        operationId: "resumeJob",
        tags: ["jobs"],
        summary: "Resume a paused job",
        description:
          "It waits for a worker again, behind the jobs of its priority, and goes on from the checkpoint of its pause: with the same bits " +
          "as if it had never been paused. Resuming a job that waits or runs changes nothing.",
        params: JobPath,
        response: {
          200: answer("It waits for a worker, or runs.", Job),
          ...problems("not-found", "wrong-state"),
        },
      },
    },
    async ({ params: { id } }): Promise<Job> => {
      const outcome = await parts.jobs.resume(id);
      if (outcome === "finished") throw await finished(parts, id, "it can't go on");
      if (outcome === "unknown") throw noSuchJob(id);
      if (outcome === "pausing")
        throw new ProblemError(
          "wrong-state",
          `Job ${id} is about to pause: its worker is storing a checkpoint. Resume it once its "paused" event has come.`,
        );
      return findJob(parts, id);
    },
  );
}

async function finished(parts: ApiParts, id: string, consequence: string): Promise<ProblemError> {
  const { status } = await findJob(parts, id);
  return new ProblemError("wrong-state", `Job ${id} is ${status} already; ${consequence}.`);
}
