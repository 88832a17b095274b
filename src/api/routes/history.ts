/** Every epoch of a job in columns, for a chart or a spreadsheet. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { EventPayload, EventType } from "../../jobs/events.ts";
import type { JobLog } from "../../jobs/job-log.ts";
import { problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { findState, JobPath } from "./common.ts";
import { JobEvent } from "./events.ts";
import { formatParameter } from "./format-parameter.ts";

const figures = z.array(z.number().nullable());

const History = z
  .object({
    job_id: z.string(),
    last_seq: z.int().describe("The number of the last event in here: follow the stream with `?after=` it."),
    epoch: z.array(z.int()),
    step: z.array(z.int()),
    loss: figures.describe("null where the loss was not finite."),
    val_loss: figures.describe("null where there was no validation."),
    lr: figures,
    samples_per_s: figures,
    elapsed_ms: figures,
    metrics: z.record(z.string(), figures),
    val_metrics: z.record(z.string(), figures),
    steps: z
      .object({ step: z.array(z.int()), loss: figures })
      .describe("The loss of each step, where the spec asks for `stream.steps`."),
    events: z
      .array(JobEvent)
      .describe("What else happened, in order: who trained it, its checkpoints, pauses, changes, its end."),
  })
  .meta({
    id: "History",
    description: "One column per figure, all as long as there are epochs, and what happened beside them.",
    examples: [
      {
        job_id: "job_01jc2v8n6d0000000000000000",
        last_seq: 4,
        epoch: [1, 2],
        step: [11, 22],
        loss: [0.69, 0.52],
        val_loss: [0.66, 0.5],
        lr: [0.1, 0.1],
        samples_per_s: [181000, 190000],
        elapsed_ms: [12, 23],
        metrics: { accuracy: [0.61, 0.84] },
        val_metrics: { accuracy: [0.6, 0.85] },
        steps: { step: [], loss: [] },
        events: [
          { event: "queued", seq: 1, job_id: "job_…", time: "2026-11-02T10:00:00.012Z", reason: "submitted", epoch: 0 },
        ],
      },
    ],
  });
type History = z.infer<typeof History>;

const PAGE = 1000;

const TOLD: ReadonlySet<EventType> = new Set<EventType>([
  "queued",
  "started",
  "resumed",
  "paused",
  "changed",
  "checkpoint",
  "anomaly",
  "completed",
  "failed",
  "cancelled",
]);

export function historyRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/jobs/:id/history",
    {
      schema: {
        operationId: "getJobHistory",
        tags: ["jobs"],
        summary: "Get every epoch in columns",
        params: JobPath,
        querystring: z.strictObject({ format: formatParameter(["json", "csv"], "json") }),
        response: {
          200: {
            description: "The epochs so far.",
            content: {
              "application/json": { schema: History },
              "text/csv": { schema: z.string().describe("A header line, then a line per epoch.") },
            },
          },
          ...problems("invalid-parameter", "not-found"),
        },
      },
    },
    async ({ params: { id }, query }, reply) => {
      await findState(parts, id);
      const history = await readHistory(parts.log, id);
      if (query.format === "json") return history;
      return reply
        .type("text/csv; charset=utf-8")
        .header("content-disposition", `attachment; filename="${id}.csv"`)
        .send(toCsv(history));
    },
  );
}

async function readHistory(log: JobLog, id: string): Promise<History> {
  const history: History = {
    job_id: id,
    last_seq: 0,
    epoch: [],
    step: [],
    loss: [],
    val_loss: [],
    lr: [],
    samples_per_s: [],
    elapsed_ms: [],
    metrics: {},
    val_metrics: {},
    steps: { step: [], loss: [] },
    events: [],
  };
  for (;;) {
    const events = await log.events(id, history.last_seq, PAGE);
    for (const { seq, type, json } of events) {
      history.last_seq = seq;
      if (type === "epoch") addEpoch(history, JSON.parse(json));
      else if (type === "step") addSteps(history, JSON.parse(json));
      else if (TOLD.has(type)) history.events.push({ event: type, ...JSON.parse(json) });
    }
    if (events.length < PAGE) return history;
  }
}

function addEpoch(history: History, event: EventPayload<"epoch">): void {
  const before = history.epoch.length;
  history.epoch.push(event.epoch);
  history.step.push(event.step);
  history.loss.push(event.loss);
  history.val_loss.push(event.val_loss ?? null);
  history.lr.push(event.lr);
  history.samples_per_s.push(event.samples_per_s);
  history.elapsed_ms.push(event.elapsed_ms);
  addFigures(history.metrics, event.metrics, before);
  addFigures(history.val_metrics, event.val_metrics ?? {}, before);
}

function addSteps({ steps }: History, { step, every, losses }: EventPayload<"step">): void {
  losses.forEach((loss, i) => {
    steps.step.push(step + i * every);
    steps.loss.push(loss);
  });
}

function addFigures(
  columns: Record<string, (number | null)[]>,
  figures: Record<string, number | null>,
  before: number,
): void {
  for (const [name, value] of Object.entries(figures)) {
    const column = columns[name] ?? new Array<number | null>(before).fill(null);
    column.push(value);
    columns[name] = column;
  }
}

function toCsv(history: History): string {
  const columns: [string, (number | null)[]][] = [
    ["epoch", history.epoch],
    ["step", history.step],
    ["loss", history.loss],
    ["val_loss", history.val_loss],
    ["lr", history.lr],
    ["samples_per_s", history.samples_per_s],
    ["elapsed_ms", history.elapsed_ms],
    ...Object.entries(history.metrics).map(
      ([name, column]) => [`metrics.${name}`, column] as [string, (number | null)[]],
    ),
    ...Object.entries(history.val_metrics).map(
      ([name, column]) => [`val_metrics.${name}`, column] as [string, (number | null)[]],
    ),
  ];
  const lines = history.epoch.map((_, row) => columns.map(([, column]) => column[row] ?? "").join(","));
  return `${[columns.map(([name]) => name).join(","), ...lines].join("\n")}\n`;
}
