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
  /** How long breaks may last; after that the error of the last one is thrown. 5 minutes by default. */
  readonly patienceMs?: number;
}

/** The service sends something every 15 s; a connection that is silent for longer than this is dead. */
const SILENCE_MS = 45_000;

interface SomeEvent {
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
  let brokenSince = 0;
  for (;;) {
    try {
      for await (const event of connected<Event>(connection, path, last, signal)) {
        if (event === "nothing more") return;
        failures = 0;
        if (event.seq <= last) continue;
        last = event.seq;
        yield event;
        if (event.event === "completed" || event.event === "failed" || event.event === "cancelled") return;
      }
      throw new UnreachableError("The stream ended before the job did.");
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (failures++ === 0) brokenSince = Date.now();
      if (Date.now() - brokenSince > patienceMs) throw error;
      // A service that shuts down ends its streams in order: the first try may be made at once.
      const wait = failures === 1 ? 0 : waitAfter(error, failures - 1);
      onBreak?.(error, wait);
      await pause(wait, connection.signalOf(signal));
    }
  }
}

/** What comes over one connection. */
async function* connected<Event extends SomeEvent>(
  connection: Connection,
  path: string,
  after: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event | "nothing more"> {
  const silence = new AbortController();
  const all = connection.signalOf(signal);
  const call = {
    headers: { accept: "text/event-stream", ...(after > 0 && { "last-event-id": String(after) }) },
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    again: false,
  };
  const answer = await connection.send(path, call, (answer) => answer);
  if (answer.status === 204 || !answer.body) return yield "nothing more";
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void messages.push(message) });
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      parser.feed(decoder.decode(value, { stream: true }));
      for (const { event, data } of messages.splice(0)) yield { event, ...JSON.parse(data) };
    }
  } catch (cause) {
    all?.throwIfAborted();
    if (cause instanceof SyntaxError) throw cause;
    throw new UnreachableError("The connection broke.", { cause });
  } finally {
    clearTimeout(timer);
    // Not waited for: who has copied the answer's body holds it open.
    reader.cancel().catch(() => {});
  }
}
