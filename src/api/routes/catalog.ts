/** Everything that a spec may name. */
import type { FastifyInstance } from "fastify";
import { Catalogue, catalogue } from "../../spec/catalogue.ts";
import { answer, problems } from "../openapi.ts";

export function catalogRoutes(app: FastifyInstance): void {
  // The definitions don't change while the process runs.
  const body = JSON.stringify(catalogue());
  app.get(
    "/v1/catalog",
    {
      schema: {
        operationId: "getCatalog",
        tags: ["service"],
        summary: "List what a spec may name",
        response: { 200: answer("The catalog, with a JSON Schema of each entry.", Catalogue), ...problems() },
      },
    },
    async (_request, reply) => reply.type("application/json").header("cache-control", "max-age=60").send(body),
  );
}
