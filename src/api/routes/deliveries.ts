/** What became of a job's webhooks. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { WebhookDelivery } from "../../jobs/webhooks.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { findState, JobPath } from "./common.ts";

const DeliveryList = z
  .object({ data: z.array(WebhookDelivery), next_cursor: z.null() })
  .meta({ id: "WebhookDeliveryList", description: "The newest 200 attempts, newest first." });

export function deliveryRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/jobs/:id/deliveries",
    {
      schema: {
        operationId: "listWebhookDeliveries",
        tags: ["jobs"],
        summary: "List what became of a job's webhooks",
        description:
          "Each attempt to deliver one. Webhooks are signed as Standard Webhooks says (`webhook-id`, `webhook-timestamp`, `webhook-signature`), and " +
          "one that is not answered with a 2xx is tried again after 5 s, then after longer and longer pauses, for two days. 410 ends it at once.",
        params: JobPath,
        response: { 200: answer("The attempts.", DeliveryList), ...problems("not-found") },
      },
    },
    async ({ params: { id } }): Promise<z.infer<typeof DeliveryList>> => {
      await findState(parts, id);
      return { data: await parts.webhooks.deliveries(id), next_cursor: null };
    },
  );
}
