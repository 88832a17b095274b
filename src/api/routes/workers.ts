/** Who trains. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { WorkerInfo } from "../../jobs/worker-registry.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { visibleWorkers } from "../visible-workers.ts";

const WorkerList = z.object({ data: z.array(WorkerInfo), next_cursor: z.null() }).meta({ id: "WorkerList" });

export function workerRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/workers",
    {
      schema: {
        operationId: "listWorkers",
        tags: ["service"],
        summary: "List the workers",
        description: "Those that have given a sign of life in the last seconds, and what they train.",
        response: { 200: answer("All of them.", WorkerList), ...problems() },
      },
    },
    async (request): Promise<z.infer<typeof WorkerList>> => ({
      data: await visibleWorkers(parts, request),
      next_cursor: null,
    }),
  );
}
