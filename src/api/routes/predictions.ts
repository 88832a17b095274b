/** What a job's model gives for rows that it is validated with, beside what it should give. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { JobState } from "../../jobs/job.ts";
import { ObjectNotFoundError } from "../../jobs/object-store.ts";
import { predictionsKey, StoredPredictions } from "../../jobs/predictions.ts";
import { interpretOutputs } from "../inference/interpret-outputs.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { type TrainedModel, useTrainedModel } from "../trained-model.ts";
import { findState, JobPath } from "./common.ts";

const label = z.union([z.string(), z.number(), z.null()]);

const Predictions = StoredPredictions.omit({ epoch: true, step: true })
  .extend({
    job_id: z.string(),
    features: z.array(z.string()).nullable().describe("the columns of a row; null where they have no names"),
    input_shape: z.array(z.int()).describe("of one row, as a prediction takes it"),
    labels: z
      .array(label)
      .optional()
      .describe("the most probable class of each row, where the loss makes the outputs classes"),
    target_labels: z.array(label).optional().describe("the class that each row has, beside `labels`"),
    classes: z.array(z.string()).optional().describe("the labels behind the classes, in their order"),
    checkpoint: z.object({ epoch: z.int(), step: z.int() }).describe("which weights answered"),
  })
  .meta({
    id: "Predictions",
    examples: [
      {
        job_id: "job_01jc2v8n6d0000000000000000",
        rows_of: "validation",
        rows: 87,
        features: ["crime", "immigration"],
        input_shape: [2],
        inputs: [
          [1, 0],
          [0, 0.5],
        ],
        outputs: [[0.981], [0.044]],
        targets: [[1], [0]],
        labels: ["republican", "democrat"],
        target_labels: ["republican", "democrat"],
        classes: ["democrat", "republican"],
        checkpoint: { epoch: 50, step: 550 },
      },
    ],
  });

export function predictionsRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/jobs/:id/predictions",
    {
      schema: {
        operationId: "getJobPredictions",
        tags: ["trained models"],
        summary: "Compare the model with its data",
        description:
          "What the model gives for at most 1,000 rows of its validation data (of its training data where it has none), and what it should give: for a " +
          "plot of residuals, a table of confusions. The worker makes it at a checkpoint, when that takes no more than a twentieth of the time, and at the end.",
        params: JobPath,
        response: { 200: answer("Rows, evenly spread.", Predictions), ...problems("not-found", "wrong-state") },
      },
    },
    async ({ params: { id } }): Promise<z.infer<typeof Predictions>> => {
      const stored = await read(parts, await findState(parts, id));
      const model = await useTrainedModel(parts, id, async (found) => found);
      const { epoch, step, ...rows } = stored;
      const { features, rawShape } = model.preprocess;
      return {
        job_id: id,
        features: features && [...features],
        input_shape: [...rawShape],
        ...rows,
        ...labelsOf(model, stored),
        checkpoint: { epoch, step },
      };
    },
  );
}

async function read({ store }: ApiParts, { id, status }: JobState): Promise<StoredPredictions> {
  try {
    const bytes = await store.read(predictionsKey(id));
    return StoredPredictions.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error;
    throw new ProblemError(
      "wrong-state",
      `Job ${id} is ${status} and has stored no predictions yet; a checkpoint comes first.`,
    );
  }
}

type Labels = Pick<z.infer<typeof Predictions>, "labels" | "target_labels" | "classes">;

/** Where each row has one output that stands for a class. */
function labelsOf({ loss, classes }: TrainedModel, { outputs, targets }: StoredPredictions): Labels {
  const rows = outputs.map(flatNumbers);
  const truth = targets.map(flatNumbers);
  const width = rows[0]?.length ?? 0;
  if (rows.some((row) => row === null) || truth.some((target) => target?.length !== 1)) return {};
  const flat = Float32Array.from(rows.flatMap((row) => row ?? []));
  const { labels } = interpretOutputs(loss, flat, width, classes);
  if (labels === undefined) return {};
  const target_labels = truth.map((target) => classes?.[target?.[0] ?? -1] ?? target?.[0] ?? null);
  return { labels, target_labels, ...(classes && { classes: [...classes] }) };
}

/** Null for what is nested deeper: no row of outputs, but many of them. */
function flatNumbers(value: unknown): number[] | null {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const numbers = values.map((each) => (typeof each === "number" ? each : each === null ? Number.NaN : undefined));
  return numbers.every((each) => each !== undefined) ? numbers : null;
}
