/** Datasets: tables that jobs train on, streamed to the object store as they come in. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { DataError, DataTooLargeError } from "../../data/index.ts";
import { previewOf } from "../../data/preview.ts";
import { Dataset } from "../../jobs/dataset.ts";
import { drain } from "../drain.ts";
import { answer, nothing, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { own, roomFor } from "../quotas.ts";
import { acceptUploads, openUpload, uploadTypes } from "../upload.ts";
import { page } from "./common.ts";

const DatasetPath = z.object({ id: z.string().describe("The dataset's id, `ds_…`.") });

const DatasetList = z
  .object({ data: z.array(Dataset), next_cursor: z.string().nullable() })
  .meta({ id: "DatasetList", description: "A page of datasets, newest first." });

const DatasetPreview = z
  .object({
    columns: z.array(z.string()),
    rows: z
      .array(z.array(z.unknown()))
      .describe(
        "One array per row, with a value for each column: a number, text, true or false, null where it is missing, or an array.",
      ),
    total_rows: z.int(),
  })
  .meta({
    id: "DatasetPreview",
    description: "The first rows of a dataset: fewer than asked for where rows are large.",
  });

const MAX_PREVIEW_CELLS = 100_000;

export function datasetRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  // In a scope of its own: only here is a body a stream rather than JSON.
  fastify.register(async (scope) => {
    acceptUploads(scope);
    scope.withTypeProvider<ZodTypeProvider>().post(
      "/v1/datasets",
      {
        bodyLimit: parts.limits.datasetBytes,
        schema: {
          operationId: "createDataset",
          tags: ["datasets"],
          summary: "Upload a dataset",
          description:
            "The raw bytes of a table as the body (`curl --data-binary @file.csv -H 'content-type: text/csv'`): CSV with a header line, or " +
            "newline-delimited JSON with an object or an array in each line; Parquet; or arrays: NPY, NPZ, IDX. An array is one column, whose values have the shape of " +
            "its rows; one matrix alone has the columns 0, 1, 2 …. Several arrays come as NPZ or as files of a form, each named by its field " +
            "(`curl -F x=@images.npy -F y=@labels.npy`). " +
            "`Content-Encoding: gzip` is undone, and so is the gzip of a file. It is stored while it arrives, however large, then read once.",
          consumes: [...uploadTypes],
          querystring: z.strictObject({
            name: z.string("is given twice; once is enough").min(1).max(200).optional().describe("A name for people."),
          }),
          documentedBody: z.string().meta({ description: "CSV with a header line.", examples: ["a,b,label\n1,2,x\n"] }),
          response: {
            201: answer("The dataset, with statistics of every column.", Dataset),
            ...problems(
              "invalid-parameter",
              "too-large",
              "unsupported-media-type",
              "invalid-dataset",
              "insufficient-storage",
              "quota-exceeded",
            ),
          },
        },
      },
      async (request, reply): Promise<Dataset> => {
        try {
          const room = await roomFor(parts, request, "dataset", parts.limits.datasetBytes);
          const about = { name: request.query.name ?? null, limit: room.bytes };
          const dataset = await parts.datasets.create(openUpload(request, room), about).catch((error: unknown) => {
            throw error instanceof DataTooLargeError ? room.beyond : refusal(error);
          });
          const { id, stored_bytes: bytes = 0 } = dataset;
          await own(parts, request, { id, bytes }, () => parts.datasets.remove(id));
          reply.code(201).header("location", `/v1/datasets/${id}`);
          return dataset;
        } catch (error) {
          await drain(request.raw);
          throw error;
        }
      },
    );
  });

  const app = fastify.withTypeProvider<ZodTypeProvider>();
  app.get(
    "/v1/datasets",
    {
      schema: {
        operationId: "listDatasets",
        tags: ["datasets"],
        summary: "List datasets",
        querystring: z.strictObject(page),
        response: { 200: answer("A page of datasets.", DatasetList), ...problems("invalid-parameter") },
      },
    },
    async ({ query: { limit, cursor }, owner }): Promise<z.infer<typeof DatasetList>> => {
      const all = { limit, ...(cursor !== undefined && { cursor }) };
      if (owner === null) return parts.datasets.list(all);
      // One more than a page, so that it is known whether another follows.
      const only = new Set(await parts.owners.owned(owner, "ds", { ...all, limit: limit + 1 }));
      return parts.datasets.list({ ...all, only });
    },
  );

  app.get(
    "/v1/datasets/:id",
    {
      schema: {
        operationId: "getDataset",
        tags: ["datasets"],
        summary: "Get a dataset's statistics",
        params: DatasetPath,
        response: { 200: answer("The dataset.", Dataset), ...problems("not-found") },
      },
    },
    async ({ params: { id } }): Promise<Dataset> => {
      const dataset = await parts.datasets.get(id);
      if (!dataset) throw noSuchDataset(id);
      return dataset;
    },
  );

  app.get(
    "/v1/datasets/:id/preview",
    {
      schema: {
        operationId: "previewDataset",
        tags: ["datasets"],
        summary: "Get a dataset's first rows",
        params: DatasetPath,
        querystring: z.strictObject({
          rows: z.coerce.number().int().min(1).max(100).default(10).describe("How many at most."),
        }),
        response: {
          200: answer("The rows, with values of the columns' types.", DatasetPreview),
          ...problems("invalid-parameter", "not-found"),
        },
      },
    },
    async ({ params: { id }, query: { rows } }): Promise<z.infer<typeof DatasetPreview>> => {
      const dataset = await parts.datasets.get(id);
      if (!dataset) throw noSuchDataset(id);
      const first = await previewOf(dataset.columns, parts.datasets.open(id), { rows, cells: MAX_PREVIEW_CELLS });
      return { columns: dataset.columns.map(({ name }) => name), rows: first, total_rows: dataset.rows };
    },
  );

  app.delete(
    "/v1/datasets/:id",
    {
      schema: {
        operationId: "deleteDataset",
        tags: ["datasets"],
        summary: "Delete a dataset",
        description: "Refused while a job that is not finished trains on it. Models that were trained on it stay.",
        params: DatasetPath,
        response: { 204: nothing("It is gone."), ...problems("not-found", "wrong-state") },
      },
    },
    async ({ params: { id } }, reply) => {
      const user = await unfinishedJobOn(parts, id);
      if (user)
        throw new ProblemError(
          "wrong-state",
          `Job ${user} is not finished and trains on dataset ${id}. Cancel it first, or wait for its end.`,
        );
      if (!(await parts.datasets.remove(id))) throw noSuchDataset(id);
      await parts.owners.disown(id);
      return reply.code(204).send(null);
    },
  );
}

export function noSuchDataset(id: string): ProblemError {
  return new ProblemError(
    "not-found",
    `There is no dataset ${JSON.stringify(id)}. GET /v1/datasets lists those that exist.`,
  );
}

function refusal(error: unknown): unknown {
  if (!(error instanceof DataError)) return error;
  const path = [error.row !== undefined && `row ${error.row}`, error.column !== undefined && `column ${error.column}`];
  return new ProblemError("invalid-dataset", error.message, {
    errors: [{ path: error.path ?? path.filter(Boolean).join(", "), message: error.message }],
    cause: error,
  });
}

const Uses = z.looseObject({ dataset_id: z.string() });
const Spec = z.looseObject({ data: z.unknown(), validation: z.unknown() });
const UNFINISHED = ["queued", "running", "paused"] as const;

/** A worker reads the dataset when it starts and again when it resumes, so it must stay until the end. */
async function unfinishedJobOn({ jobs }: ApiParts, datasetId: string): Promise<string | null> {
  for (const status of UNFINISHED) {
    let cursor: string | null = null;
    do {
      const list: Awaited<ReturnType<typeof jobs.list>> = await jobs.list({
        status,
        limit: 200,
        ...(cursor !== null && { cursor }),
      });
      const user = list.data.find(({ spec }) => {
        const { data, validation } = Spec.parse(spec);
        return [data, validation].some((part) => Uses.safeParse(part).data?.dataset_id === datasetId);
      });
      if (user) return user.id;
      cursor = list.next_cursor;
    } while (cursor !== null);
  }
  return null;
}
