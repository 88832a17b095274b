/** New jobs: checked whole, then queued. The dry run checks the same and queues nothing. */
import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { newId } from "../../jobs/ids.ts";
import { goneSource, noSuchSource } from "../../jobs/initial-weights.ts";
import { Job, jobAsCreated } from "../../jobs/job.ts";
import { jobToCreate } from "../../jobs/job-to-create.ts";
import type { Idempotency } from "../../jobs/log-writer.ts";
import { noSuchModel } from "../../jobs/model-store.ts";
import { ModelSummary } from "../../jobs/model-summary.ts";
import { ObjectNotFoundError } from "../../jobs/object-store.ts";
import { type CheckContext, checkSpec } from "../../spec/check-spec.ts";
import { JobSpec, type ModelInit } from "../../spec/job-spec.ts";
import { maySee } from "../access.ts";
import { missingGpu } from "../missing-gpu.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError, summarise } from "../problems.ts";
import { jobOwner, limitsFor, tooManyJobs } from "../quotas.ts";
import { findState } from "./common.ts";

export const SubmitHeaders = z.looseObject({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "expects 1 to 255 printable characters without spaces")
    .optional()
    .describe("Makes a retry safe: the same key with the same body gets the first answer again, for 24 h."),
});

const SpecReport = z
  .object({
    valid: z.boolean(),
    spec: z
      .looseObject({})
      .nullable()
      .describe("The spec with every default and every size that follows from the data."),
    model_summary: ModelSummary.nullable(),
    estimate: z
      .object({ seconds: z.number(), bytes: z.number(), steps: z.int(), flops: z.number() })
      .nullable()
      .describe(
        "Rough: how long the training takes on one core, and how much memory; how many updates it makes, and how many floating-point operations.",
      ),
    shapes: z
      .object({ input: z.array(z.int()).nullable(), layers: ModelSummary.shape.layers })
      .describe(
        "What the first layer gets, and what each layer gives, as far as it is known: also for a spec with mistakes.",
      ),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
  })
  .meta({ id: "SpecReport", description: "What a dry run finds. `errors` is empty for a valid spec." });

export function submitRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();

  app.post(
    "/v1/jobs",
    {
      schema: {
        operationId: "createJob",
        tags: ["jobs"],
        summary: "Train a network",
        description:
          "Checks the whole spec (shapes through all layers, the loss against the last layer and the targets, the data) and answers " +
          "with every mistake at once, or queues the job.",
        headers: SubmitHeaders,
        documentedBody: JobSpec,
        response: {
          202: answer("The job, queued. `Location` is where to look for it.", Job),
          ...problems(
            "malformed-json",
            "invalid-parameter",
            "idempotency-conflict",
            "too-many-jobs",
            "too-large",
            "unsupported-media-type",
            "invalid-spec",
          ),
        },
      },
    },
    async (request, reply): Promise<Job> => {
      const body = bodyOf(request.body);
      const key = request.headers["idempotency-key"];
      const idempotency = key === undefined ? undefined : { key: ownKey(key, request), bodyHash: hashOf(body) };
      // Before the check: what the first request was told holds, even if its data set is gone by now.
      const made = (await idOfRetry(parts, idempotency)) ?? (await submit(parts, body, idempotency, request));
      const job = typeof made === "string" ? await madeBefore(parts, made) : made;
      reply.code(202).header("location", `/v1/jobs/${job.id}`);
      return job;
    },
  );

  app.post(
    "/v1/jobs/validate",
    {
      config: { changesNothing: true },
      schema: {
        operationId: "validateJob",
        tags: ["jobs"],
        summary: "Check a spec without training",
        description: "Says what `POST /v1/jobs` would say, and what the training would cost.",
        documentedBody: JobSpec,
        response: {
          200: answer("What was found, also for a spec with mistakes.", SpecReport),
          ...problems("malformed-json", "too-large", "unsupported-media-type"),
        },
      },
    },
    async (request): Promise<z.infer<typeof SpecReport>> => {
      const checked = await check(parts, bodyOf(request.body), request);
      const shapes = { input: checked.shapes.input && [...checked.shapes.input], layers: checked.shapes.layers };
      if (!checked.ok)
        return { valid: false, spec: null, model_summary: null, estimate: null, shapes, errors: [...checked.errors] };
      const { spec, summary, estimate } = checked;
      return { valid: true, spec: { ...spec }, model_summary: summary, estimate, shapes, errors: [] };
    },
  );
}

/** The job that the same request made before; undefined if there was none. */
async function idOfRetry({ log }: ApiParts, idempotency: Idempotency | undefined): Promise<string | undefined> {
  const made = idempotency && (await log.madeWith(idempotency.key));
  if (!made) return undefined;
  if (made.bodyHash !== idempotency.bodyHash) throw idempotencyConflict(idempotency.key, made.id);
  return made.id;
}

async function madeBefore(parts: ApiParts, id: string): Promise<Job> {
  const [state, position] = await Promise.all([findState(parts, id), parts.log.queuePosition(id)]);
  return jobAsCreated(state, position);
}

/** The job that it made, or the id of the one that the same request has made meanwhile. */
async function submit(
  parts: ApiParts,
  body: unknown,
  idempotency: Idempotency | undefined,
  asker: Asker & Pick<FastifyRequest, "span">,
): Promise<Job | string> {
  const { span } = asker;
  const checking = span.child("check spec");
  const checked = await check(parts, body, asker);
  checking.end();
  if (!checked.ok) {
    throw new ProblemError("invalid-spec", summarise(checked.errors, "the job spec"), { errors: checked.errors });
  }
  const id = newId("job");
  span.set({ "epochd.job.id": id });
  const owner = jobOwner(parts, asker);
  await storeInitialWeights(parts, id, checked.spec.model.init);
  const made = await parts.jobs.submit(
    { ...jobToCreate(id, checked), ...(span.traceparent !== null && { trace: span.traceparent }) },
    idempotency,
    owner,
  );
  if (made.outcome === "full") throw tooManyJobs(owner?.jobs ?? null);
  // Two requests with one key at the same time: the log lets one of them make the job.
  if (made.outcome === "conflict") throw idempotencyConflict(idempotency?.key ?? "", made.id);
  return made.outcome === "created" ? made.job : made.id;
}

const idempotencyConflict = (key: string, id: string): ProblemError =>
  new ProblemError(
    "idempotency-conflict",
    `The Idempotency-Key ${JSON.stringify(key)} came with another body before, and made job ${id}. Use a new key for a new job.`,
  );

/** Copied before the job exists: whatever becomes of where they are from, this job can start. */
async function storeInitialWeights({ initialWeights }: ApiParts, id: string, init: ModelInit | null): Promise<void> {
  try {
    await initialWeights.copy(init, id);
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error;
    const mistake = goneSource(init);
    throw new ProblemError("invalid-spec", summarise([mistake], "the job spec"), { errors: [mistake] });
  }
}

const check = (parts: ApiParts, body: unknown, asker: Asker) => checkSpec(body, contextOf(parts, asker));

/** Who asks: what they may see, and what they may use. */
export type Asker = Pick<FastifyRequest, "key" | "owner">;

/** What a spec may name, as far as a key may see it, and how large it may be. */
export function contextOf(parts: ApiParts, asker: Asker): CheckContext {
  const { datasets, initialWeights, workers } = parts;
  return {
    dataset: async (id) => ((await maySee(parts, asker, id)) ? datasets.get(id) : null),
    weights: async (jobId, which) =>
      (await maySee(parts, asker, jobId)) ? initialWeights.shapes(jobId, which) : noSuchSource(jobId),
    models: async (id) => ((await maySee(parts, asker, id)) ? initialWeights.modelShapes(id) : noSuchModel(id)),
    missingGpu: () => missingGpu(workers),
    limits: limitsFor(parts, asker),
  };
}

/** Two tenants may think of the same idempotency key. */
export const ownKey = (idempotencyKey: string, { key }: Pick<Asker, "key">): string =>
  key === null ? idempotencyKey : `${key.id}:${idempotencyKey}`;

export function bodyOf(body: unknown): unknown {
  if (body === undefined)
    throw new ProblemError("malformed-json", "The body is empty. Send a spec as JSON; /docs shows one.");
  return body;
}

/** The same JSON gives the same hash; another order of fields counts as another body. */
export function hashOf(body: unknown): string {
  return createHash("sha256").update(JSON.stringify(body)).digest("hex");
}
