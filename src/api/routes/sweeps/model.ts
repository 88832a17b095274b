/** The model of a sweep's best trial: sends on to that of its job, whichever it is by then. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { nothing, problems } from "../../openapi.ts";
import type { ApiParts } from "../../parts.ts";
import { ProblemError } from "../../problems.ts";
import { findSweepState, SweepPath } from "./common.ts";

const SENT_ON = "The job of the best trial has it: see `Location`. Method, body and query stay the same.";

export function sweepModelRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();
  const response = { 307: nothing(SENT_ON), ...problems("not-found", "wrong-state") };

  app.get(
    "/v1/sweeps/:id/model",
    {
      schema: {
        operationId: "getSweepModel",
        tags: ["sweeps"],
        summary: "Download the best trial's model",
        description: "Sends on to `GET /v1/jobs/{id}/model` of the best trial so far, with the same query.",
        params: SweepPath,
        response,
      },
    },
    async ({ params: { id }, url }, reply) => sendOn(parts, id, "model", url, reply),
  );

  app.post(
    "/v1/sweeps/:id/predict",
    {
      schema: {
        operationId: "predictWithSweep",
        tags: ["sweeps"],
        summary: "Ask the best trial's model",
        description: "Sends on to `POST /v1/jobs/{id}/predict` of the best trial so far, with the same body.",
        params: SweepPath,
        response,
      },
    },
    async ({ params: { id }, url }, reply) => sendOn(parts, id, "predict", url, reply),
  );
}

async function sendOn(parts: ApiParts, id: string, what: string, url: string, reply: FastifyReply) {
  const { best } = await findSweepState(parts, id);
  if (best?.job_id == null)
    throw new ProblemError(
      "wrong-state",
      `Sweep ${id} has no best trial yet: none has trained an epoch. Its "trial" events say when one has.`,
    );
  const query = url.indexOf("?");
  return reply.redirect(`/v1/jobs/${best.job_id}/${what}${query === -1 ? "" : url.slice(query)}`, 307);
}
