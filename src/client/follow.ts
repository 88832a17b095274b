/**
 * The events of a job or a sweep, each once and in order, over as many connections as it takes: after a break the stream goes on
 * behind the last event that came (Last-Event-ID).
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { type Connection, isPassing, pause, type RequestOptions, waitAfter } from "./connection.ts";
import { UnreachableError } from "./errors.ts";

export interface FollowOptions extends RequestOptions {
  /** The `seq` of the last event that is known already: those behind it come. */
  readonly after?: number;
  /** Told of each break before the next try. */
  readonly onBreak?: (error: unknown, waitMs: number) => void;
  /** How long a break may last, from one sign of life to the next; then its error is thrown. 5 minutes by default. */
  readonly patienceMs?: number;
}

/** The service sends something every 15 s; a connection that is silent for longer than this is dead. */
const SILENCE_MS = 45_000;
const SILENT = `Nothing was heard of the service for ${SILENCE_MS / 1000} s.`;

export interface SomeEvent {
  readonly seq: number;
  readonly event: string;
}

/** `path` is that of the stream. */
export async function* follow<Event extends SomeEvent>(
  connection: Connection,
  path: string,
  { after = 0, onBreak, patienceMs = 300_000, signal }: FollowOptions = {},
): AsyncGenerator<Event, void, undefined> {
  let last = after;
  let failures = 0;
  /** When the first break was since something last came, be it a ping. */
  let brokenSince: number | undefined;
  const onBytes = () => {
    brokenSince = undefined;
  };
  for (;;) {
    try {
      for await (const event of connected<Event>(connection, path, { after: last, onBytes, signal })) {
        if (event === "nothing more") return;
        if (event.seq <= last) continue;
        failures = 0;
        last = event.seq;
        yield event;
        if (event.event === "completed" || event.event === "failed" || event.event === "cancelled") return;
      }
      throw new UnreachableError("The stream ended before the job did.");
    } catch (error) {
      if (!isPassing(error)) throw error;
      failures++;
      brokenSince ??= performance.now();
      if (performance.now() - brokenSince > patienceMs) throw error;
      // A service that shuts down ends its streams in order: the first try may be made at once.
      const wait = failures === 1 ? 0 : waitAfter(error, failures - 1);
      onBreak?.(error, wait);
      await pause(wait, connection.signalOf(signal));
    }
  }
}

interface Connected {
  readonly after: number;
  /** Told of whatever comes. */
  readonly onBytes: () => void;
  readonly signal: AbortSignal | undefined;
}

/** What comes over one connection. */
async function* connected<Event extends SomeEvent>(
  connection: Connection,
  path: string,
  { after, onBytes, signal: own }: Connected,
): AsyncGenerator<Event | "nothing more"> {
  const silence = new AbortController();
  const signal = connection.signalOf(own, silence.signal);
  /** The service is waited for, not for ever; whoever takes its events may take all the time. */
  const waited = async <T>(wait: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => silence.abort(new UnreachableError(SILENT)), SILENCE_MS);
    return wait.finally(() => clearTimeout(timer));
  };
  const headers = { accept: "text/event-stream", ...(after > 0 && { "last-event-id": String(after) }) };
  const answer = await waited(connection.send(path, { headers, signal, again: false }, (answer) => answer));
  if (answer.status === 204 || !answer.body) return yield "nothing more";
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void messages.push(message) });
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  try {
    for (;;) {
      const { done, value } = await waited(reader.read()).catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw new UnreachableError("The connection broke.", { cause });
      });
      if (done) return;
      onBytes();
      parser.feed(decoder.decode(value, { stream: true }));
      for (const { event, data } of messages.splice(0)) yield { event, ...JSON.parse(data) };
    }
  } finally {
    // Not waited for: who has copied the answer's body holds it open.
    reader.cancel().catch(() => {});
  }
}
