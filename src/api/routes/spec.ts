/** A job's spec, whole: what was too large for its state is put back. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { loadBulk } from "../../jobs/bulk.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { findState, JobPath } from "./common.ts";

export function specRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/jobs/:id/spec",
    {
      schema: {
        operationId: "getJobSpec",
        tags: ["jobs"],
        summary: "Get a job's spec to send it again",
        description:
          "The spec, complete, with the data and weights that were given in it: `POST /v1/jobs` takes it as it is.",
        params: JobPath,
        response: {
          200: answer("The spec.", z.looseObject({}).describe("A `JobSpec`.")),
          ...problems("not-found"),
        },
      },
    },
    async ({ params: { id } }): Promise<Record<string, unknown>> => {
      const { spec } = await findState(parts, id);
      return { ...(await loadBulk(spec, id, parts.store)) };
    },
  );
}
