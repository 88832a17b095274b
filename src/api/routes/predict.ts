/** Asks a model: rows in, outputs out. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Interpretation, interpretOutputs, nest } from "../inference/interpret-outputs.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError, summarise } from "../problems.ts";
import { mistakesOf } from "../request-checks.ts";
import { useTrainedModel } from "../trained-model.ts";
import { JobPath } from "./common.ts";
import { whichCheckpoint } from "./model.ts";

const PredictRequest = z
  .strictObject(
    {
      inputs: z
        .array(z.unknown(), {
          error: ({ input }) =>
            input === undefined ? "is missing: expects an array of rows" : "expects an array of rows",
        })
        .min(1, "expects at least one row")
        .describe(
          "Rows as they were in training, before preprocessing: arrays in feature order, or objects by column name.",
        ),
    },
    { error: 'expects an object such as { "inputs": [[…], …] }' },
  )
  .meta({
    id: "PredictRequest",
    examples: [{ inputs: [["y", "n", "y", ""]] }, { inputs: [{ sepal_length: 5.1, sepal_width: 3.5 }] }],
  });

const PredictResponse = z
  .object({
    outputs: z.array(z.unknown()).describe("What the last layer gives, one entry per row."),
    labels: z
      .array(z.union([z.string(), z.number(), z.null()]))
      .optional()
      .describe("The most probable class of each row, where the loss makes the outputs classes."),
    probabilities: z.array(z.array(z.number())).optional().describe("For each row, the probability of each class."),
    classes: z.array(z.string()).optional().describe("The classes in the order of `probabilities`."),
    checkpoint: z.object({ epoch: z.int(), step: z.int() }).describe("Which weights answered."),
  })
  .meta({
    id: "PredictResponse",
    examples: [
      {
        outputs: [[0.981]],
        labels: ["republican"],
        probabilities: [[0.019, 0.981]],
        classes: ["democrat", "republican"],
        checkpoint: { epoch: 50, step: 550 },
      },
    ],
  });

export function predictRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().post(
    "/v1/jobs/:id/predict",
    {
      schema: {
        operationId: "predict",
        tags: ["trained models"],
        summary: "Ask the model",
        description:
          "Works while the job trains, too, from its newest checkpoint. Rows go through the preprocessing that was fitted in training.",
        params: JobPath,
        querystring: z.strictObject({ checkpoint: whichCheckpoint }),
        documentedBody: PredictRequest,
        response: {
          200: answer("One answer per row.", PredictResponse),
          ...problems(
            "malformed-json",
            "invalid-parameter",
            "not-found",
            "wrong-state",
            "too-large",
            "unsupported-media-type",
            "invalid-inputs",
          ),
        },
      },
    },
    async ({ params: { id }, query: { checkpoint: which }, body }): Promise<z.infer<typeof PredictResponse>> => {
      const rows = readRows(body);
      return useTrainedModel(parts, id, async (model) => {
        const key = `${model.checkpoint.key}#${which}`;
        const { layers, preprocess } = model;
        const load = async () => ({ layers, preprocess, checkpoint: await model.read(), which });
        const { outputs, count, outputShape } = await parts.inference.predict({ key, load }, rows);
        const nested = nest(outputs, [count, ...outputShape]);
        // Only a flat row of outputs is one number per class.
        const meaning: Interpretation =
          outputShape.length <= 1 ? interpretOutputs(model.loss, outputs, outputShape[0] ?? 1, model.classes) : {};
        return {
          outputs: Array.isArray(nested) ? nested : [nested],
          ...meaning,
          ...(meaning.probabilities && model.classes && { classes: [...model.classes] }),
          checkpoint: { epoch: model.checkpoint.epoch, step: model.checkpoint.step },
        };
      });
    },
  );
}

function readRows(body: unknown): readonly unknown[] {
  if (body === undefined)
    throw new ProblemError("invalid-inputs", 'The body is empty. Send { "inputs": [[…], …] } as JSON.');
  const read = PredictRequest.safeParse(body);
  if (read.success) return read.data.inputs;
  const mistakes = mistakesOf(read.error, PredictRequest);
  throw new ProblemError("invalid-inputs", summarise(mistakes, "the body"), { errors: mistakes });
}
