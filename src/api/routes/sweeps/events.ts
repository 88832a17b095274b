/** The events of a sweep: the live leaderboard as a stream, or a page of it. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { sweepEvents } from "../../../jobs/sweeps/sweep-events.ts";
import { readSweepEntry } from "../../../jobs/sweeps/sweep-log.ts";
import { nothing, problems } from "../../openapi.ts";
import type { ApiParts } from "../../parts.ts";
import { answerEvents, EventsHeaders, EventsQuery, eventOf, pageOf } from "../../sse/answer-events.ts";
import { noSuchSweep } from "../common.ts";
import { SweepPath } from "./common.ts";

const SweepEventPage = pageOf(eventOf(sweepEvents, "SweepEvent"), "SweepEventPage");

const STREAM = z.string().meta({
  description:
    "Server-sent events as those of a job, with `id`, `event` and `data`. A `trial` event says all about one trial as it is now: " +
    "a leaderboard keeps the newest of each number. The stream ends after `completed`, `failed` or `cancelled`.",
  examples: [
    'id: 12\nevent: trial\ndata: {"seq":12,"sweep_id":"swp_…","time":"2026-11-02T10:00:00.412Z","trial":{"number":4,"job_id":"job_…","status":"running","params":{"optimizer.lr":0.0123},"value":0.31,"best_epoch":9,"epoch":9,"epochs":27,"error":null},"best":4,"trials":{"drawn":5,"queued":2,"running":1,"paused":0,"waiting":2,"completed":0,"stopped":0,"failed":0,"cancelled":0,"invalid":0}}\n\n',
  ],
});

export function sweepEventRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/sweeps/:id/events",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "streamSweepEvents",
        tags: ["sweeps"],
        summary: "Follow a sweep",
        description:
          "Every event from the start (or behind `Last-Event-ID`), then the live ones, with the promises of a job's stream: each once, in " +
          "order, with the same bytes whoever asks. The trials' own epochs are in the streams of their jobs.",
        params: SweepPath,
        querystring: EventsQuery.omit({ token: true }),
        headers: EventsHeaders,
        response: {
          200: {
            description: "The stream, or a page of it.",
            content: { "text/event-stream": { schema: STREAM }, "application/json": { schema: SweepEventPage } },
          },
          204: nothing("The terminal event is known to the client already: nothing will follow."),
          ...problems("invalid-parameter", "not-found"),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return answerEvents(parts, request, reply, {
        last: async () => {
          const [last] = await parts.redis.xrevrange(parts.sweepLog.streamOf(id), "+", "-", "COUNT", 1);
          return last ? readSweepEntry(last) : null;
        },
        missing: () => noSuchSweep(id),
        read: (after, limit) => parts.sweepLog.events(id, after, limit),
      });
    },
  );
}
