/** The events of a job: as a stream that goes on until the job ends, or as a page. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { nearest } from "../../data/nearest-name.ts";
import { isEventType, jobEvents } from "../../jobs/events.ts";
import { readEntry } from "../../jobs/job-log.ts";
import { nothing, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { type AskedLog, answerEvents, EventsHeaders, EventsQuery, eventOf, pageOf } from "../sse/answer-events.ts";
import { JobPath, noSuchJob } from "./common.ts";

export const JobEvent = eventOf(jobEvents, "JobEvent");
const TYPES = Object.keys(jobEvents);
const EventPage = pageOf(JobEvent, "EventPage");

const Query = EventsQuery.extend({
  types: z
    .string("is given twice; once is enough")
    .transform((text) => text.split(",").filter((type) => type !== ""))
    .superRefine((types, context) => {
      if (types.length === 0) context.addIssue("expects at least one type of event");
      for (const type of types)
        if (!isEventType(type))
          context.addIssue(`there are no events of type "${type}"${nearest(type, TYPES) || `: ${TYPES.join(", ")}`}`);
    })
    .optional()
    .describe(
      "Only events of these types, joined by commas, such as `epoch,probe`, and the terminal event; left out, all. Their `seq` then has gaps; " +
        "to go on where it left off, a client asks for the same types again. `limit` counts all events: a page may hold fewer, or none.",
    ),
});

const STREAM = z.string().meta({
  description:
    "Server-sent events. Each has `id` (the seq: 1, 2, 3 … without a gap), `event` (its type) and `data` (one line of JSON, " +
    "such as an EpochEvent). `: ping` comes every 15 s. The stream ends after `completed`, `failed` or `cancelled`.",
  examples: [
    'id: 7\nevent: epoch\ndata: {"seq":7,"job_id":"job_…","time":"2026-11-02T10:00:00.412Z","epoch":3,"epochs":50,"step":42,"steps":700,"loss":0.4127,"val_loss":0.439,"metrics":{"accuracy":0.91},"val_metrics":{"accuracy":0.89},"lr":0.1,"samples_per_s":181000,"elapsed_ms":412,"eta_s":0.9}\n\n',
  ],
});

export function eventRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/jobs/:id/events",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "streamJobEvents",
        tags: ["jobs"],
        summary: "Follow a job",
        description:
          "Every event from the start (or behind `Last-Event-ID`), then the live ones: each exactly once, in order, with the same " +
          "bytes whoever asks. After the terminal event the stream ends, and a reconnect gets 204, so that an `EventSource` stops. " +
          "With `Accept: application/json` the same events come as a page.",
        params: JobPath,
        querystring: Query,
        headers: EventsHeaders,
        response: {
          200: {
            description: "The stream, or a page of it.",
            content: { "text/event-stream": { schema: STREAM }, "application/json": { schema: EventPage } },
          },
          204: nothing("The terminal event is known to the client already: nothing will follow."),
          ...problems("invalid-parameter", "not-found"),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { types } = request.query;
      return answerEvents(parts, request, reply, {
        wanted: types === undefined ? null : new Set(types),
        ...logOf(parts, id),
        read: (after, limit) => parts.log.events(id, after, limit),
      });
    },
  );
}

/** The end of a job's log, and a 404 if there is none. */
export const logOf = ({ redis, log }: ApiParts, id: string): Pick<AskedLog, "last" | "missing"> => ({
  last: async () => {
    const [last] = await redis.xrevrange(log.keys.events(id), "+", "-", "COUNT", 1);
    return last ? readEntry(last) : null;
  },
  missing: () => noSuchJob(id),
});
