/** The trained model as a file. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { modelFormats } from "../../interchange/model-file.ts";
import { problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { useTrainedModel } from "../trained-model.ts";
import { JobPath } from "./common.ts";
import { formatParameter, oneOf } from "./format-parameter.ts";

const formats = ["safetensors", "onnx", "pytorch", "keras", "json"] as const satisfies (keyof typeof modelFormats)[];

export const whichCheckpoint = oneOf(["last", "best"])
  .default("last")
  .describe("`last`: the newest weights. `best`: those of the best epoch until then.");

const ModelFile = z
  .looseObject({
    job_id: z.string(),
    name: z.string().nullable(),
    checkpoint: z.object({ which: z.enum(["last", "best"]), epoch: z.int(), step: z.int() }),
    spec: z.looseObject({}).describe("The spec without inline data and initial weights."),
    preprocess: z.looseObject({}).describe("How inputs are prepared, with what was fitted."),
    classes: z.array(z.string()).nullable(),
    weights: z.record(z.string(), z.unknown()).describe("Nested arrays by PyTorch's state_dict names."),
  })
  .meta({
    id: "ModelFile",
    description: "A model as JSON. Its `weights` can be sent as `model.init.weights` of a spec.",
  });

export function modelRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/jobs/:id/model",
    {
      schema: {
        operationId: "getJobModel",
        tags: ["trained models"],
        summary: "Download the model",
        description:
          "The weights by PyTorch's `state_dict` names of the equal `nn.Sequential`; works while the job trains, too. `safetensors` " +
          "loads with `safetensors.torch.load_file` and carries spec, preprocessing and classes as JSON in its metadata. `onnx` runs in any " +
          "runtime of ONNX and prepares its inputs itself. `pytorch` is a zip of code and numbers that predict and train on, `keras` one that predicts; a layer that Keras can't express is a 422.",
        params: JobPath,
        querystring: z.strictObject({
          format: formatParameter(formats, "safetensors"),
          checkpoint: whichCheckpoint,
        }),
        response: {
          200: {
            description: "The model.",
            content: {
              "application/octet-stream": {
                schema: z
                  .custom<Buffer>()
                  .meta({ type: "string", format: "binary", description: "A safetensors or ONNX file." }),
              },
              "application/zip": {
                schema: z
                  .custom<Buffer>()
                  .meta({ type: "string", format: "binary", description: "A folder of code and weights." }),
              },
              "application/json": { schema: ModelFile },
            },
          },
          ...problems("invalid-parameter", "not-found", "wrong-state", "not-expressible"),
        },
      },
    },
    async ({ params: { id }, query: { format, checkpoint: which } }, reply) =>
      useTrainedModel(parts, id, async (model, state) => {
        const bytes = await parts.inference.export(format, {
          checkpoint: await model.read(),
          rows: model.rows,
          facts: {
            job_id: id,
            name: state.name,
            checkpoint: { which, epoch: model.checkpoint.epoch, step: model.checkpoint.step },
            spec: withoutBulk(state.spec),
            loss: model.loss,
            preprocess: model.preprocess,
            classes: model.classes,
          },
        });
        const { mediaType, extension } = modelFormats[format];
        return reply
          .type(mediaType)
          .header("content-disposition", `attachment; filename="${id}${extension}"`)
          .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      }),
  );
}

const BULK = new Set(["inline", "weights"]);

/** A spec may hold the training data and other weights; a model file is about neither. */
function withoutBulk(spec: object): object {
  return JSON.parse(JSON.stringify(spec, (key, value) => (BULK.has(key) ? undefined : value)));
}
