/** Models from elsewhere: weights, which are kept for jobs to start from, and architectures, which become layers. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { ImportError, type ImportedArchitecture } from "../../interchange/import-error.ts";
import { readKerasConfig } from "../../interchange/keras/read-config.ts";
import { readPrinted } from "../../interchange/pytorch/read-printed.ts";
import { ImportedModel } from "../../jobs/imported-model.ts";
import { noSuchModel } from "../../jobs/model-store.ts";
import { decodeUtf8, parseJson } from "../json-body.ts";
import { answer, nothing, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError, summarise } from "../problems.ts";
import { own, roomFor } from "../quotas.ts";
import { page } from "./common.ts";

const ModelPath = z.object({ id: z.string().describe("The model's id, `mdl_…`.") });

const ModelList = z
  .object({ data: z.array(ImportedModel), next_cursor: z.string().nullable() })
  .meta({ id: "ImportedModelList", description: "A page of imported models, newest first." });

const Architecture = z
  .object({
    format: z.enum(["keras", "pytorch"]),
    model: z.object({ layers: z.array(z.looseObject({ type: z.string() })) }),
    input_shape: z.array(z.int()).nullable().describe("Of one sample, channels first, where the model says it."),
    rename: z
      .record(z.string(), z.string())
      .describe("For `model.init.rename`: layers that have names of their own there."),
  })
  .meta({ id: "ImportedArchitecture", description: "Another framework's model as a spec's `model`." });

const BINARY = ["application/octet-stream", "application/onnx", "application/vnd.safetensors"];
const TEXT = ["application/json", "text/plain"];

/** Descriptions of models are short; weights are not. */
const MOST_TEXT = 2 ** 20;

export function importedModelRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  // In a scope of its own: only here is a body bytes rather than JSON.
  fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser<Buffer>(
      [...BINARY, ...TEXT],
      { parseAs: "buffer" },
      async (_: unknown, body: Buffer) => body,
    );
    scope.withTypeProvider<ZodTypeProvider>().post(
      "/v1/models/import",
      {
        bodyLimit: parts.limits.modelBytes,
        schema: {
          operationId: "importModel",
          tags: ["models"],
          summary: "Bring a model along",
          description:
            "Weights, as `application/octet-stream`: a safetensors file with PyTorch's names, or an ONNX file, whose initializers are taken by " +
            'name. They are kept, and `model.init: { "model_id": … }` starts a job from them. Or an architecture: the JSON of a Keras ' +
            "`Sequential` (`model.to_json()`, as `application/json`), or what `print(model)` shows of an `nn.Sequential` (as `text/plain`). It is answered " +
            "as layers, and nothing is kept; what has no layer here is told by its line.",
          consumes: [...BINARY, ...TEXT],
          querystring: z.strictObject({
            name: z.string("is given twice; once is enough").min(1).max(200).optional().describe("A name for people."),
          }),
          documentedBody: z.string().meta({ description: "The file.", examples: ["Sequential(\n  (0): ReLU()\n)\n"] }),
          response: {
            200: answer("The architecture as layers.", Architecture),
            201: answer("The weights that are kept.", ImportedModel),
            ...problems(
              "malformed-json",
              "invalid-parameter",
              "too-large",
              "unsupported-media-type",
              "invalid-model",
              "insufficient-storage",
              "quota-exceeded",
            ),
          },
        },
      },
      async (request, reply): Promise<ImportedModel | z.infer<typeof Architecture>> => {
        const { body } = request;
        if (!Buffer.isBuffer(body) || body.length === 0) throw invalid([{ path: "", message: "The body is empty" }]);
        const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
        if (TEXT.includes(type)) return reply.code(200).send(architecture(type, body));
        const room = await roomFor(parts, request, "model", parts.limits.modelBytes);
        if (body.length > room.bytes) throw room.beyond;
        const model = await parts.models.create(
          { ...(await parts.inference.import(body)), original: body },
          request.query.name ?? null,
        );
        await own(parts, request, model, () => parts.models.remove(model.id));
        reply.code(201).header("location", `/v1/models/${model.id}`);
        return model;
      },
    );
  });

  const app = fastify.withTypeProvider<ZodTypeProvider>();
  app.get(
    "/v1/models",
    {
      schema: {
        operationId: "listModels",
        tags: ["models"],
        summary: "List imported models",
        querystring: z.strictObject(page),
        response: { 200: answer("A page of models.", ModelList), ...problems("invalid-parameter") },
      },
    },
    async ({ query: { limit, cursor }, owner }): Promise<z.infer<typeof ModelList>> => {
      const all = { limit, ...(cursor !== undefined && { cursor }) };
      if (owner === null) return parts.models.list(all);
      // One more than a page, so that it is known whether another follows.
      const only = new Set(await parts.owners.owned(owner, "mdl", { ...all, limit: limit + 1 }));
      return parts.models.list({ ...all, only });
    },
  );

  app.get(
    "/v1/models/:id",
    {
      schema: {
        operationId: "getModel",
        tags: ["models"],
        summary: "Get an imported model's tensors",
        params: ModelPath,
        response: { 200: answer("The model.", ImportedModel), ...problems("not-found") },
      },
    },
    async ({ params: { id } }): Promise<ImportedModel> => {
      const model = await parts.models.get(id);
      if (!model) throw unknownModel(id);
      return model;
    },
  );

  app.delete(
    "/v1/models/:id",
    {
      schema: {
        operationId: "deleteModel",
        tags: ["models"],
        summary: "Delete an imported model",
        description: "Jobs that started from it have copies.",
        params: ModelPath,
        response: { 204: nothing("It is gone."), ...problems("not-found") },
      },
    },
    async ({ params: { id } }, reply) => {
      if (!(await parts.models.remove(id))) throw unknownModel(id);
      await parts.owners.disown(id);
      return reply.code(204).send(null);
    },
  );
}

export function unknownModel(id: string): ProblemError {
  const message = noSuchModel(id);
  return new ProblemError("not-found", `${message.charAt(0).toUpperCase()}${message.slice(1)}.`);
}

const invalid = (errors: readonly { path: string; message: string }[]): ProblemError =>
  new ProblemError("invalid-model", summarise(errors, "the model"), { errors });

function architecture(type: string, body: Buffer): z.infer<typeof Architecture> {
  if (body.length > MOST_TEXT)
    throw new ProblemError(
      "too-large",
      `The description is larger than ${MOST_TEXT} bytes. Weights are sent as ${BINARY[0]}.`,
    );
  try {
    if (type === "application/json") return described("keras", readKerasConfig(parseJson(body)));
    return described("pytorch", readPrinted(decodeUtf8(body)));
  } catch (error) {
    if (error instanceof ImportError) throw invalid(error.mistakes);
    throw error;
  }
}

function described(
  format: "keras" | "pytorch",
  { layers, inputShape, rename }: ImportedArchitecture,
): z.infer<typeof Architecture> {
  return {
    format,
    model: { layers: layers.map((layer) => ({ ...layer, type: String(layer["type"]) })) },
    input_shape: inputShape && [...inputShape],
    rename: { ...rename },
  };
}
