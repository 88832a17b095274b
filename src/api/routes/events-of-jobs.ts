/** The events of many jobs as one stream: browsers hold only six connections per host. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { maySee } from "../access.ts";
import { nothing, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { isTerminal } from "../sse/frame.ts";
import { openStream } from "../sse/open-stream.ts";
import { noSuchJob } from "./common.ts";
import { lastEvent } from "./events.ts";

const MOST_JOBS = 100;

const Positions = z
  .string("is given twice; once is enough")
  .regex(/^\d{1,15}(\.\d{1,15})*$/, "expects the id of an event of this stream, such as 7.0.12");

const Query = z.strictObject({
  jobs: z
    .string({
      error: ({ input }) =>
        input === undefined
          ? "is missing: expects the ids of jobs, joined by commas"
          : "is given twice; once is enough",
    })
    .transform((text) => text.split(",").filter((id) => id !== ""))
    .refine((ids) => ids.length > 0, "expects at least one id")
    .refine((ids) => ids.length <= MOST_JOBS, `expects at most ${MOST_JOBS} ids`)
    .refine((ids) => new Set(ids).size === ids.length, "names a job twice")
    .describe("The ids of jobs, joined by commas."),
  after: Positions.optional().describe("The id of the last event that is known; the answer goes on behind it."),
});

const Headers = z.looseObject({
  "last-event-id": z
    .union([z.literal(""), Positions])
    .optional()
    .describe("As `after`; it wins over `after`."),
});

const STREAM = z.string().meta({
  description:
    "Server-sent events as those of one job; `job_id` in the `data` tells whose. The `id` holds the seq of each job's last event, in the " +
    "order of `jobs`.",
  examples: ['id: 7.3\nevent: epoch\ndata: {"seq":7,"job_id":"job_…", …}\n\n'],
});

export function eventsOfJobsRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/events",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "streamEvents",
        tags: ["jobs"],
        summary: "Follow many jobs",
        description:
          "Every event of each job, once and in the order of its seqs, over one connection. It goes on behind `Last-Event-ID`, and ends when all " +
          "jobs have ended; a reconnect then gets 204.",
        querystring: Query,
        headers: Headers,
        response: {
          200: { description: "The stream.", content: { "text/event-stream": { schema: STREAM } } },
          204: nothing("The terminal event of each job is known to the client already."),
          ...problems("invalid-parameter", "not-found"),
        },
      },
    },
    async ({ query: { jobs, after }, headers, owner }, reply) => {
      for (const id of jobs) if (!(await maySee(parts, { owner }, id))) throw noSuchJob(id);
      const asked = positionsOf(headers["last-event-id"] || after, jobs.length);
      const last = await Promise.all(jobs.map((id) => lastEvent(parts, id)));
      const followed = jobs.map((jobId, i) => {
        const { seq = 0, type = "" } = last[i] ?? {};
        // A client may know more than a broker that lost its end in a crash: it goes on with what comes next.
        const from = Math.min(asked[i] ?? 0, seq);
        return { jobId, after: from, finished: from >= seq && isTerminal(type) };
      });
      if (followed.every(({ finished }) => finished)) return reply.code(204).send(null);
      parts.hub.subscribeAll(openStream(reply), followed);
    },
  );
}

function positionsOf(id: string | undefined, jobs: number): number[] {
  if (id === undefined || id === "") return [];
  const positions = id.split(".").map(Number);
  if (positions.length === jobs) return positions;
  throw new ProblemError(
    "invalid-parameter",
    `The id ${id} is of a stream of ${positions.length} jobs, and ${jobs} are asked for: ask for the same jobs in the same order.`,
  );
}
