/** The events of many jobs as one stream, or the changes of all: browsers hold only six connections per host. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { maySee } from "../access.ts";
import { nothing, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { endOfLog } from "../sse/answer-events.ts";
import { isTerminal } from "../sse/frame.ts";
import { openStream } from "../sse/open-stream.ts";
import { noSuchJob } from "./common.ts";
import { logOf } from "./events.ts";

const MOST_JOBS = 100;

const Positions = z
  .string("is given twice; once is enough")
  .regex(
    /^\d{1,15}(\.\d{1,15})*$|^\d{1,15}-\d{1,15}$/,
    "expects the id of an event of this stream, such as 7.0.12, or 1764240000000-0 in that of all jobs",
  );

const Query = z.strictObject({
  jobs: z
    .string("is given twice; once is enough")
    .transform((text) => text.split(",").filter((id) => id !== ""))
    .refine((ids) => ids.length > 0, "expects at least one id")
    .refine((ids) => ids.length <= MOST_JOBS, `expects at most ${MOST_JOBS} ids`)
    .refine((ids) => new Set(ids).size === ids.length, "names a job twice")
    .optional()
    .describe("The ids of jobs, joined by commas; left out, all jobs are followed, each by its summary."),
  newest: z.coerce
    .number("expects a number")
    .int("expects a whole number")
    .min(0)
    .max(100_000)
    .default(1000)
    .describe("Without `jobs`: how many of the jobs that there are already are told at the start, the newest ones."),
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
    "order of `jobs`. Without `jobs`: `list` (forget what you know), then a `job` (a JobSummary) for each job that there is, newest first, " +
    "and `listed`; from then on `job` for each that was made or has changed, as it is then, and `removed` (its `id`). `position` has the `id` " +
    "to go on behind.",
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
          "jobs have ended; a reconnect then gets 204. Without `jobs`, every job that you may see is told, then each that is made or changes: a " +
          "few times a second at most, as it is then. That stream has no end.",
        querystring: Query,
        headers: Headers,
        response: {
          200: { description: "The stream.", content: { "text/event-stream": { schema: STREAM } } },
          204: nothing("The terminal event of each job is known to the client already."),
          ...problems("invalid-parameter", "not-found"),
        },
      },
    },
    async ({ query: { jobs, after, newest }, headers, owner }, reply) => {
      const known = headers["last-event-id"] || after;
      if (jobs === undefined) {
        const follower = { owner, after: positionOf(known), newest };
        parts.feed.follow(openStream(reply), follower);
        return;
      }
      for (const id of jobs) if (!(await maySee(parts, { owner }, id))) throw noSuchJob(id);
      const asked = positionsOf(known, jobs.length);
      const last = await Promise.all(jobs.map((id, i) => endOfLog(parts.log, logOf(parts, id), asked[i] ?? 0)));
      const followed = jobs.map((jobId, i) => {
        const { seq = 0, type = "" } = last[i] ?? {};
        const from = Math.min(asked[i] ?? 0, seq);
        return { jobId, after: from, finished: from >= seq && isTerminal(type) };
      });
      if (followed.every(({ finished }) => finished)) return reply.code(204).send(null);
      parts.hub.subscribeAll(openStream(reply), followed);
    },
  );
}

function positionOf(id: string | undefined): string | null {
  if (id === undefined || id === "") return null;
  if (id.includes("-")) return id;
  throw new ProblemError(
    "invalid-parameter",
    `The id ${id} is of a stream of jobs that were named: name the same jobs, or leave it out.`,
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
