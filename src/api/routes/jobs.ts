/** Jobs that exist: one, many, and away with one. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { nearest } from "../../data/nearest-name.ts";
import { Job, JobStatus } from "../../jobs/job.ts";
import { answer, nothing, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { findJob, JobPath, noSuchJob, page } from "./common.ts";

const KNOWN = ["limit", "cursor", "status", "name"];
const METADATA = "metadata.";

const JobQuery = z
  .object({
    ...page,
    status: z
      .enum(JobStatus.options, { error: ({ input }) => unknownStatus(input) })
      .optional()
      .describe("Only jobs with this status."),
    name: z.string("is given twice; once is enough").optional().describe("Only jobs with exactly this name."),
    "metadata.team": z
      .string("is given twice; once is enough")
      .optional()
      .describe("Only jobs whose metadata has this value; any key of the metadata can stand behind the point."),
  })
  .catchall(z.string("is given twice; once is enough"))
  .superRefine((query, context) => {
    for (const key of Object.keys(query).filter((key) => !KNOWN.includes(key) && !key.startsWith(METADATA)))
      context.addIssue({ code: "custom", path: [key], message: `is unknown here${nearest(key, KNOWN)}` });
  });

export const JobList = z
  .object({ data: z.array(Job), next_cursor: z.string().nullable() })
  .meta({ id: "JobList", description: "A page of jobs, newest first." });

export function jobRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/v1/jobs",
    {
      schema: {
        operationId: "listJobs",
        tags: ["jobs"],
        summary: "List jobs",
        description: "Newest first. Filters can be combined.",
        querystring: JobQuery,
        response: { 200: answer("A page of jobs.", JobList), ...problems("invalid-parameter") },
      },
    },
    async ({ query, owner }): Promise<z.infer<typeof JobList>> => {
      const { limit, cursor, status, name, ...rest } = query;
      const metadata = Object.entries(rest).map(([key, value]) => [key.slice(METADATA.length), value ?? ""] as const);
      return parts.jobs.list({
        limit,
        ...(owner !== null && { owner }),
        ...(cursor !== undefined && { cursor }),
        ...(status !== undefined && { status }),
        ...(name !== undefined && { name }),
        metadata: Object.fromEntries(metadata),
      });
    },
  );

  app.get(
    "/v1/jobs/:id",
    {
      schema: {
        operationId: "getJob",
        tags: ["jobs"],
        summary: "Get a job",
        params: JobPath,
        response: { 200: answer("The job as its log has it now.", Job), ...problems("not-found") },
      },
    },
    async ({ params }): Promise<Job> => findJob(parts, params.id),
  );

  app.delete(
    "/v1/jobs/:id",
    {
      schema: {
        operationId: "deleteJob",
        tags: ["jobs"],
        summary: "Delete a finished job",
        description: "Removes the job and all it stored: its events, its checkpoints, its model.",
        params: JobPath,
        response: { 204: nothing("It is gone."), ...problems("not-found", "wrong-state") },
      },
    },
    async ({ params: { id } }, reply) => {
      const outcome = await parts.jobs.remove(id);
      if (outcome === "unknown") throw noSuchJob(id);
      if (outcome === "unfinished")
        throw new ProblemError(
          "wrong-state",
          `Job ${id} is not finished, and only finished jobs can be deleted. POST /v1/jobs/${id}/cancel ends it.`,
        );
      return reply.code(204).send(null);
    },
  );
}

function unknownStatus(input: unknown): string {
  if (typeof input !== "string") return "is given twice; once is enough";
  return `expects one of ${JobStatus.options.join(", ")}, got ${JSON.stringify(input)}${nearest(input, JobStatus.options)}`;
}
