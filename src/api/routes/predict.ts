/** Asks a model: rows in, outputs out; all at once, or line by line for as many as one likes. */

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { StoredCheckpoint } from "../../jobs/job.ts";
import { ObjectNotFoundError } from "../../jobs/object-store.ts";
import { drain } from "../drain.ts";
import { toProblem } from "../error-handler.ts";
import type { Answer, ModelSource } from "../inference/inference.ts";
import { PredictRequest } from "../inference/predict-request.ts";
import type { Question, Which } from "../inference/protocol.ts";
import { type LineBlock, lineBlocks } from "../lines.ts";
import { problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { type TrainedModel, useCheckpoint } from "../trained-model.ts";
import { JobPath } from "./common.ts";
import { whichCheckpoint } from "./model.ts";

const NDJSON = "application/x-ndjson";

const probabilities = z.array(z.number());
const label = z.union([z.string(), z.number(), z.null()]);

const PredictResponse = z
  .object({
    outputs: z.array(z.unknown()).describe("What the last layer gives, one entry per row."),
    labels: z
      .array(label)
      .optional()
      .describe("The most probable class of each row, where the loss makes the outputs classes."),
    probabilities: z.array(probabilities).optional().describe("For each row, the probability of each class."),
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

const PredictLine = z
  .object({
    output: z.unknown().describe("What the last layer gives for the row."),
    label: label.optional().describe("Its most probable class, where the loss makes the outputs classes."),
    probabilities: probabilities.optional(),
  })
  .meta({
    id: "PredictLine",
    description:
      'The answer to one line. Should a row be at fault when others are answered already, the last line is `{ "error": … }` with the problem.',
    examples: [{ output: [0.981], label: "republican", probabilities: [0.019, 0.981] }],
  });

const firstLine = z.coerce
  .number()
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .default(1)
  .describe("The number of the first line, where the lines are a part of more: mistakes are told by it.");

export function predictRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.register(async (scope) => {
    acceptRows(scope);
    scope.withTypeProvider<ZodTypeProvider>().post(
      "/v1/jobs/:id/predict",
      {
        config: { changesNothing: true },
        schema: {
          operationId: "predict",
          tags: ["trained models"],
          summary: "Ask the model",
          description:
            "Works while the job trains, too, from its newest checkpoint. Rows go through the preprocessing that was fitted in " +
            `training. As \`${NDJSON}\` each line is a row, and each line of the answer is its answer, sent as soon as it is known: ` +
            "for as many rows as one likes, none of which are kept.",
          params: JobPath,
          querystring: z.strictObject({ checkpoint: whichCheckpoint, first_line: firstLine }),
          documentedBody: PredictRequest,
          response: {
            200: {
              description: "One answer per row.",
              content: { "application/json": { schema: PredictResponse }, [NDJSON]: { schema: PredictLine } },
            },
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
      async (request, reply) => {
        const { body } = request;
        if (body instanceof Readable) return answerLines(parts, body, request, reply);
        return answerAll(parts, Buffer.isBuffer(body) ? body : Buffer.alloc(0), request, reply);
      },
    );
  });
}

/** Hands bodies on as bytes: the thread that knows the model reads them. */
function acceptRows(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>(
    ["application/json", "application/*+json"],
    { parseAs: "buffer" },
    async (_request: unknown, body: Buffer) => body,
  );
  scope.addContentTypeParser([NDJSON, "application/ndjson", "application/jsonl"], (_request, payload, done) =>
    done(null, payload),
  );
}

function sourceOf(checkpoint: StoredCheckpoint, which: Which, model: () => Promise<TrainedModel>): ModelSource {
  const { key, epoch, step } = checkpoint;
  return {
    key: `${key}#${which}`,
    load: async () => {
      const { layers, loss, preprocess, classes, read } = await model();
      return { layers, loss, preprocess, classes, checkpoint: await read(), at: { epoch, step }, which };
    },
  };
}

/** A small buffer lies in a pool, all of which would be sent to the thread with it. */
function own(bytes: Buffer): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

interface PredictParts {
  readonly params: { readonly id: string };
  readonly query: { readonly checkpoint: Which; readonly first_line: number };
}

async function answerAll(
  parts: ApiParts,
  body: Buffer,
  { params, query }: PredictParts,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const question: Question = { format: "json", bytes: own(body) };
  const { bytes } = await useCheckpoint(parts, params.id, (checkpoint, model) =>
    parts.inference.predict(sourceOf(checkpoint, query.checkpoint, model), question),
  );
  return reply.type("application/json").send(bytes);
}

async function answerLines(
  parts: ApiParts,
  body: Readable,
  { id: requestId, raw, params, query }: PredictParts & Pick<FastifyRequest, "id" | "raw">,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const blocks = lineBlocks(body, parts.limits.bodyBytes, query.first_line);
  try {
    const answers = await useCheckpoint(parts, params.id, async (checkpoint, model) => {
      const source = sourceOf(checkpoint, query.checkpoint, model);
      const all = answersTo(blocks, (question) => parts.inference.predict(source, question));
      // The first answer decides on the status: what is wrong from the start is an ordinary problem.
      return { first: await all.next(), rest: all, checkpoint };
    });
    const { first, rest, checkpoint } = answers;
    if (first.done) throw new ProblemError("invalid-inputs", "The body is empty. Send one row in each line.");
    const { epoch, step } = checkpoint;
    return reply
      .type(NDJSON)
      .header("x-checkpoint", `epoch=${epoch}, step=${step}`)
      .send(Readable.from(untilMistake(first.value, rest, { requestId, raw })));
  } catch (error) {
    await drain(raw);
    throw error;
  }
}

/** While one block is written the next is predicted already; beyond that, who does not read is not answered. */
async function* answersTo(
  blocks: AsyncIterable<LineBlock>,
  predict: (question: Question) => Promise<Answer>,
): AsyncGenerator<Uint8Array> {
  const ask = ({ bytes, line }: LineBlock) => predict({ format: "ndjson", bytes: own(bytes), line });
  const answers: AsyncIterable<Answer> = Readable.from(blocks).map(ask, { concurrency: 2 });
  // Lines without a row have no answer.
  for await (const { bytes, rows } of answers) if (rows > 0) yield bytes;
}

/** The status is sent by now, so a mistake is told in the last line. */
async function* untilMistake(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  { requestId, raw }: { requestId: string; raw: Readable },
): AsyncGenerator<Uint8Array> {
  yield first;
  try {
    yield* rest;
  } catch (error) {
    const problem = error instanceof ObjectNotFoundError ? replaced() : toProblem(error);
    yield Buffer.from(`${JSON.stringify({ error: problem.document(requestId) })}\n`);
    // Unread, it would stop whatever follows on this connection.
    await drain(raw);
  }
}

const replaced = (): ProblemError =>
  new ProblemError(
    "wrong-state",
    "The checkpoint that answered until here has been replaced by a newer one. Send the rows that have no answer again.",
  );
