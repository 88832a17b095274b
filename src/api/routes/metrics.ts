/** The page for Prometheus. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { Metrics } from "../metrics.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";

export function metricRoutes(app: FastifyInstance, parts: ApiParts): void {
  const metrics = new Metrics(parts);
  metrics.watch(app);
  app.get(
    "/metrics",
    {
      logLevel: "warn",
      schema: {
        operationId: "getMetrics",
        tags: ["service"],
        summary: "Metrics for Prometheus",
        description:
          "Queue depth and wait, jobs by status, workers and their signs of life, speed, followers, webhooks that wait, requests, this process. Also " +
          "while the broker is away: then `epochd_broker_up` is 0, and what it would say is missing or NaN.",
        response: { 200: answer("The text format of Prometheus.", z.string(), "text/plain"), ...problems() },
      },
    },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.page()),
  );
}
