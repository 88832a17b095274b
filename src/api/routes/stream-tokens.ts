/** A link to the events of one job: an EventSource can't send a key. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError, summarise } from "../problems.ts";
import { mistakesOf } from "../request-checks.ts";
import { findState, JobPath } from "./common.ts";

const StreamTokenRequest = z
  .strictObject({
    ttl_s: z
      .int()
      .min(1)
      .max(86_400)
      .default(600)
      .describe("Seconds in which a stream can be opened with it; one that is open goes on."),
  })
  .meta({ id: "StreamTokenRequest" });

const StreamToken = z
  .object({ token: z.string(), expires_at: z.iso.datetime(), url: z.string().describe("The stream, with the token.") })
  .meta({ id: "StreamToken" });

export function streamTokenRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().post(
    "/v1/jobs/:id/stream-tokens",
    {
      config: { changesNothing: true },
      schema: {
        operationId: "createStreamToken",
        tags: ["jobs"],
        summary: "Get a link to a job's events",
        description:
          "It opens the events of this job, for reading, and nothing else: for an `EventSource`, which can't send a key.",
        params: JobPath,
        documentedBody: StreamTokenRequest,
        response: {
          201: answer("The link.", StreamToken),
          ...problems("malformed-json", "malformed-request", "not-found", "unsupported-media-type"),
        },
      },
    },
    async ({ params: { id }, body }, reply): Promise<z.infer<typeof StreamToken>> => {
      await findState(parts, id);
      const read = StreamTokenRequest.safeParse(body ?? {});
      if (!read.success) {
        const errors = mistakesOf(read.error, StreamTokenRequest);
        throw new ProblemError("malformed-request", summarise(errors, "the body"), { errors });
      }
      const { ttl_s } = read.data;
      const token = await parts.keys.createStreamToken(id, ttl_s);
      reply.code(201);
      return {
        token,
        expires_at: new Date(Date.now() + ttl_s * 1000).toISOString(),
        url: `/v1/jobs/${id}/events?token=${token}`,
      };
    },
  );
}
