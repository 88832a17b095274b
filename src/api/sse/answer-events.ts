/** What every log of events is asked, and how it answers: with a stream that goes on until the terminal event, or with a page. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import type { JobLog } from "../../jobs/job-log.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problems.ts";
import { isTerminal, type LogEntry } from "./frame.ts";
import { openStream } from "./open-stream.ts";
import { isWanted, type WantedTypes } from "./target.ts";

const position = z
  .string("is given twice; once is enough")
  .regex(/^\d{1,15}$/, "expects the seq of an event, a whole number such as 7");

export const EventsQuery = z.strictObject({
  after: position.optional().describe("The `seq` of the last event that is known; the answer goes on behind it."),
  cursor: position.optional().describe("The same as `after`; `next_cursor` of the page before."),
  token: z
    .string("is given twice; once is enough")
    .max(200)
    .optional()
    .describe("Of `POST …/stream-tokens`, in place of a key."),
  limit: z.coerce
    .number("expects a number")
    .int("expects a whole number")
    .min(1)
    .max(10_000)
    .default(1000)
    .describe("How many events a JSON page holds at most. A stream has no limit."),
});

export const EventsHeaders = z.looseObject({
  "last-event-id": z
    .string()
    .regex(/^\d{0,15}$/, "expects the id of an event, a whole number such as 7")
    .optional()
    .describe("As `after`; an `EventSource` sends it when it reconnects, and it wins over `after`."),
});

/** The schema of any of these events, told apart by `event`. */
export function eventOf(events: Readonly<Record<string, z.ZodObject>>, id: string) {
  return z
    .union(Object.entries(events).map(([type, schema]) => z.object({ event: z.literal(type) }).and(schema)))
    .meta({
      id,
      description: "An event in a page. In a stream `event` is a field of its own, and the rest is `data`.",
    });
}

/** The schema of a page of them. */
export function pageOf(event: z.ZodType, id: string) {
  return z
    .object({
      data: z.array(event),
      next_cursor: z
        .string()
        .nullable()
        .describe("Give it as `cursor` (or `after`) to get what follows; null once the terminal event was given."),
    })
    .meta({ id, description: "Events in order, oldest first." });
}

export interface EventsRequest {
  readonly params: { readonly id: string };
  readonly query: z.infer<typeof EventsQuery>;
  readonly headers: z.infer<typeof EventsHeaders> & { readonly accept?: string | undefined };
}

type LastEvent = Pick<LogEntry, "seq" | "type">;

export interface AskedLog {
  /** Null if there is no such log. */
  last(): Promise<LastEvent | null>;
  /** What is thrown then. */
  missing(): Error;
  read(after: number, limit: number): Promise<readonly LogEntry[]>;
  /** The types of events that are asked for, and the terminal one; left out, all. */
  readonly wanted?: WantedTypes;
}

export async function answerEvents(
  parts: Pick<ApiParts, "hub" | "log">,
  { params, query, headers }: EventsRequest,
  reply: FastifyReply,
  { read, wanted = null, ...log }: AskedLog,
): Promise<FastifyReply | undefined> {
  const asked = Number(headers["last-event-id"] || (query.after ?? query.cursor ?? 0));
  const last = await endOfLog(parts.log, log, asked);
  const after = Math.min(asked, last.seq);

  if (wantsJson(headers.accept)) {
    const events = await read(after, query.limit);
    const end = events.at(-1)?.seq ?? after;
    const finished = end === last.seq && isTerminal(last.type);
    const told = events.filter((event) => isWanted(event, wanted));
    const data = told.map(({ type, json }) => `{"event":"${type}",${json.slice(1)}`);
    return reply
      .type("application/json")
      .send(`{"data":[${data.join(",")}],"next_cursor":${finished ? null : `"${end}"`}}`);
  }
  if (after >= last.seq && isTerminal(last.type)) return reply.code(204).send(null);

  parts.hub.subscribe(openStream(reply), params.id, after, wanted);
  return undefined;
}

const LOOK_MS = 100;

/**
 * The last event in a log. A client may know more than a broker that has just lost its end in a crash: those who wrote it get
 * time to restore it. What nobody restores is lost, and the client goes on with what comes next.
 */
export async function endOfLog(
  logs: Pick<JobLog, "mayLack">,
  log: Pick<AskedLog, "last" | "missing">,
  known: number,
): Promise<LastEvent> {
  for (;;) {
    const last = await log.last();
    const isWhole = last !== null && (known <= last.seq || isTerminal(last.type));
    if (isWhole || known === 0 || !logs.mayLack) {
      if (last === null) throw log.missing();
      return last;
    }
    await sleep(LOOK_MS);
  }
}

/** JSON only for who asks for it and not for a stream: curl's and a browser's "anything" get the stream. */
function wantsJson(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  if (accept.length > 1000)
    throw new ProblemError("malformed-request", "The Accept header is longer than any sensible one.");
  return /\bapplication\/(?:json|\*)/i.test(accept) && !/\btext\/event-stream\b/i.test(accept);
}
