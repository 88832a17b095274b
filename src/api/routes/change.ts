/** Changes a job under way: its rate, its length, its early stopping; or asks for a checkpoint. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { isFinished, Job, type JobState } from "../../jobs/job.ts";
import { tooManyProbes } from "../../spec/check-probes.ts";
import { checkPatch } from "../../spec/check-settings.ts";
import type { SpecLimits } from "../../spec/check-spec.ts";
import { JobPatch, JobSettings } from "../../spec/job-spec.ts";
import { Mistakes, parseOr } from "../../spec/mistakes.ts";
import { TRAINING_PASSES, tooManyFlops } from "../../spec/model-costs.ts";
import type { Probes } from "../../spec/probe-spec.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError, summarise } from "../problems.ts";
import { limitsFor } from "../quotas.ts";
import { findJob, findState, JobPath, noSuchJob } from "./common.ts";

export function changeRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().patch(
    "/v1/jobs/:id",
    {
      schema: {
        operationId: "changeJob",
        tags: ["jobs"],
        summary: "Change a job under way",
        description:
          "A running job changes before its next step, a waiting or paused one before its first step with a worker. The `changed` event says at " +
          "which step, and the job's `changes` can be sent as `changes` of another spec: it then trains to the same bits.",
        params: JobPath,
        documentedBody: JobPatch,
        response: {
          202: answer("The change was noted; its event follows.", Job),
          ...problems(
            "malformed-json",
            "not-found",
            "wrong-state",
            "too-large",
            "unsupported-media-type",
            "invalid-change",
          ),
        },
      },
    },
    async (request, reply): Promise<Job> => {
      const { id } = request.params;
      const state = await findState(parts, id);
      if (isFinished(state.status)) throw tooLate(id, state.status);
      const patch = readPatch(request.body, state, limitsFor(parts, request));
      const outcome = await parts.jobs.change(id, patch);
      if (outcome === "unknown") throw noSuchJob(id);
      const job = await findJob(parts, id);
      if (outcome === "finished") throw tooLate(id, job.status);
      reply.code(202);
      return job;
    },
  );
}

const tooLate = (id: string, status: string): ProblemError =>
  new ProblemError("wrong-state", `Job ${id} is ${status} already; there is nothing left to change.`);

function readPatch(body: unknown, state: JobState, { maxFlops }: SpecLimits): JobPatch {
  const { progress, model_summary } = state;
  const { epoch } = progress;
  const mistakes = new Mistakes();
  const given = isObject(body) ? body : {};
  if (!isObject(body)) mistakes.add("", 'expects an object such as { "lr": 0.01 }');
  else if (Object.keys(body).length === 0) mistakes.add("", `is empty: name one of ${fields}`);
  const patch = parseOr(JobPatch, given, "", mistakes);
  const { probes, ...watched } = Watched.parse(state.spec);
  const complete = patch && checkPatch(patch, watched, mistakes);
  const why = probes && tooManyProbes(probes, model_summary.layers.at(-1)?.output_shape ?? [], patch?.epochs ?? 0);
  if (why) mistakes.add("epochs", why);
  if (patch?.epochs !== undefined && patch.epochs < epoch)
    mistakes.add("epochs", `the job has trained ${epoch} epochs already, and can't end at ${patch.epochs}`);
  const flops = (patch?.epochs ?? 0) * flopsOfEpoch(state, watched);
  if (flops > maxFlops) mistakes.add("epochs", tooManyFlops(flops, maxFlops));
  if (complete === undefined || !mistakes.none) {
    const errors = mistakes.list;
    throw new ProblemError("invalid-change", summarise(errors, "the change"), { errors });
  }
  return complete;
}

/** The part of a spec, checked when it came, that decides what can be changed. */
const Watched = z.looseObject({
  ...JobSettings.pick({ metrics: true, batch_size: true, accumulate_steps: true }).shape,
  validation: z.unknown(),
  probes: z.custom<Probes>((value) => typeof value === "object").nullish(),
});

/** At most: its last batch may be smaller. */
function flopsOfEpoch(
  { progress, model_summary }: JobState,
  { batch_size, accumulate_steps }: Pick<z.infer<typeof Watched>, "batch_size" | "accumulate_steps">,
): number {
  const rows = (progress.steps / progress.epochs) * batch_size * accumulate_steps;
  return TRAINING_PASSES * rows * model_summary.flops_per_sample;
}

const fields = Object.keys(JobPatch.shape).join(", ");

const isObject = (body: unknown): body is Record<string, unknown> =>
  typeof body === "object" && body !== null && !Array.isArray(body);
