/** New sweeps: checked whole, then queued for a worker that steers them. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { newId } from "../../../jobs/ids.ts";
import type { Idempotency } from "../../../jobs/log-writer.ts";
import { Sweep } from "../../../jobs/sweeps/sweep.ts";
import { sweepAsCreated } from "../../../jobs/sweeps/sweep-log.ts";
import { checkSweep } from "../../../sweeps/check-sweep.ts";
import { SweepSpec } from "../../../sweeps/sweep-spec.ts";
import { answer, problems } from "../../openapi.ts";
import type { ApiParts } from "../../parts.ts";
import { ProblemError, summarise } from "../../problems.ts";
import { jobOwner, tooManyJobs } from "../../quotas.ts";
import { type Asker, bodyOf, contextOf, hashOf, ownKey, SubmitHeaders } from "../submit.ts";
import { findSweepState } from "./common.ts";

export function submitSweepRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().post(
    "/v1/sweeps",
    {
      schema: {
        operationId: "createSweep",
        tags: ["sweeps"],
        summary: "Search for the best settings",
        description:
          "Trains one base spec many times, with the fields of `space` drawn anew for each trial. Every trial is an ordinary job, on any " +
          "worker. Checks the sweep whole: each path, and the specs at the ends of the space, as `POST /v1/jobs` checks one.",
        headers: SubmitHeaders,
        documentedBody: SweepSpec,
        response: {
          202: answer("The sweep, queued. `Location` is where to look for it.", Sweep),
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
    async (request, reply): Promise<Sweep> => {
      const body = bodyOf(request.body);
      const key = request.headers["idempotency-key"];
      const idempotency = key === undefined ? undefined : { key: ownKey(key, request), bodyHash: hashOf(body) };
      const id = (await idOfRetry(parts, idempotency)) ?? (await submit(parts, body, idempotency, request));
      const state = await findSweepState(parts, id);
      reply.code(202).header("location", `/v1/sweeps/${id}`);
      return sweepAsCreated(state);
    },
  );
}

async function idOfRetry({ sweepLog }: ApiParts, idempotency: Idempotency | undefined): Promise<string | undefined> {
  const made = idempotency && (await sweepLog.madeWith(idempotency.key));
  if (!made) return undefined;
  if (made.bodyHash !== idempotency.bodyHash) throw conflict(made.id);
  return made.id;
}

async function submit(
  parts: ApiParts,
  body: unknown,
  idempotency: Idempotency | undefined,
  asker: Asker,
): Promise<string> {
  const checked = await checkSweep(body, contextOf(parts, asker));
  if (!checked.ok)
    throw new ProblemError("invalid-spec", summarise(checked.errors, "the sweep"), { errors: checked.errors });
  const owner = jobOwner(parts, asker);
  const made = await parts.sweeps.submit({ id: newId("swp"), spec: checked.sweep }, idempotency, owner);
  if (made.outcome === "full") throw tooManyJobs(owner?.jobs ?? null);
  if (made.outcome === "conflict") throw conflict(made.id);
  return made.id;
}

const conflict = (id: string): ProblemError =>
  new ProblemError(
    "idempotency-conflict",
    `This Idempotency-Key came with another body before, and made sweep ${id}. Use a new key for a new sweep.`,
  );
