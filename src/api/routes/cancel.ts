/** Ends a job before its time; the weights so far are kept. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { Job } from "../../jobs/job.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { findJob, JobPath, noSuchJob } from "./common.ts";

export function cancelRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().post(
    "/v1/jobs/:id/cancel",
    {
      schema: {
        operationId: "cancelJob",
        tags: ["jobs"],
        summary: "Cancel a job",
        description:
          "A waiting job ends at once. A running one ends within 250 ms, at the next step, and keeps the weights so far; " +
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
      if (outcome === "unknown") throw noSuchJob(id);
      const job = await findJob(parts, id);
      if (outcome === "finished" && job.status !== "cancelled")
        throw new ProblemError("wrong-state", `Job ${id} is ${job.status} already; there is nothing left to cancel.`);
      reply.code(outcome === "requested" ? 202 : 200);
      return job;
    },
  );
}
