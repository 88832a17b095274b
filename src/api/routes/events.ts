/** The events of a job: as a stream that goes on until the job ends, or as a page. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { jobEvents } from "../../jobs/events.ts";
import { readEntry } from "../../jobs/job-log.ts";
import { nothing, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { isTerminal } from "../sse/frame.ts";
import { openStream } from "../sse/open-stream.ts";
import { JobPath, noSuchJob } from "./common.ts";

const position = z
  .string("is given twice; once is enough")
  .regex(/^\d{1,15}$/, "expects the seq of an event, a whole number such as 7");

const EventsQuery = z.strictObject({
  after: position.optional().describe("The `seq` of the last event that is known; the answer goes on behind it."),
  cursor: position.optional().describe("The same as `after`; `next_cursor` of the page before."),
  token: z
    .string("is given twice; once is enough")
    .max(200)
    .optional()
    .describe("Of `POST /v1/jobs/{id}/stream-tokens`, in place of a key."),
  limit: z.coerce
    .number("expects a number")
    .int("expects a whole number")
    .min(1)
    .max(10_000)
    .default(1000)
    .describe("How many events a JSON page holds at most. A stream has no limit."),
});

const EventsHeaders = z.looseObject({
  "last-event-id": z
    .string()
    .regex(/^\d{0,15}$/, "expects the id of an event, a whole number such as 7")
    .optional()
    .describe("As `after`; an `EventSource` sends it when it reconnects, and it wins over `after`."),
});

export const JobEvent = z
  .union(Object.entries(jobEvents).map(([type, schema]) => z.object({ event: z.literal(type) }).and(schema)))
  .meta({
    id: "JobEvent",
    description: "An event in a page. In a stream `event` is a field of its own, and the rest is `data`.",
  });

const EventPage = z
  .object({
    data: z.array(JobEvent),
    next_cursor: z
      .string()
      .nullable()
      .describe("Give it as `cursor` (or `after`) to get what follows; null once the terminal event was given."),
  })
  .meta({ id: "EventPage", description: "Events in order, oldest first." });

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
        querystring: EventsQuery,
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
      const last = await lastEvent(parts, id);
      const asked = Number(request.headers["last-event-id"] || (request.query.after ?? request.query.cursor ?? 0));
      // A client may know more than a broker that lost its end in a crash: it goes on with what comes next.
      const after = Math.min(asked, last.seq);

      if (wantsJson(request.headers.accept)) {
        const events = await parts.log.events(id, after, request.query.limit);
        const end = events.at(-1)?.seq ?? after;
        const finished = end === last.seq && isTerminal(last.type);
        const data = events.map(({ type, json }) => `{"event":"${type}",${json.slice(1)}`);
        return reply
          .type("application/json")
          .send(`{"data":[${data.join(",")}],"next_cursor":${finished ? null : `"${end}"`}}`);
      }
      if (after >= last.seq && isTerminal(last.type)) return reply.code(204).send(null);

      parts.hub.subscribe(openStream(reply), id, after);
    },
  );
}

/** The last event in a job's log; a 404 if there is no such job. */
export async function lastEvent({ redis, log }: ApiParts, id: string): Promise<{ seq: number; type: string }> {
  const [last] = await redis.xrevrange(log.keys.events(id), "+", "-", "COUNT", 1);
  if (!last) throw noSuchJob(id);
  return readEntry(last);
}

/** JSON only for who asks for it and not for a stream: curl's and a browser's "anything" get the stream. */
function wantsJson(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  if (accept.length > 1000)
    throw new ProblemError("malformed-request", "The Accept header is longer than any sensible one.");
  return /\bapplication\/(?:json|\*)/i.test(accept) && !/\btext\/event-stream\b/i.test(accept);
}
