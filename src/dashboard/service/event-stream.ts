/**
 * Follows a stream of events and goes on behind the last one after every interruption, until the service says that there
 * will be no more. It reads with fetch, since an EventSource can send no key, and hands over what came together together.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { fetchWithKey, ServiceError } from "./client.ts";

export type Connection = "connecting" | "open" | "reconnecting" | "ended";

export interface StreamHandlers {
  readonly onEvents: (events: readonly EventSourceMessage[]) => void;
  readonly onConnection?: (connection: Connection) => void;
  /** The service refuses for good: the job is gone, or nobody may see it. */
  readonly onRefused?: (error: ServiceError) => void;
}

/** The service says something every 15 s; a connection that says nothing for so long is dead without having been closed. */
const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/** Follows at once. `after` is the id of the last event that is known. Call what it returns to stop. */
export function follow(path: string, after: string | null, handlers: StreamHandlers): () => void {
  const stop = new AbortController();
  void run(path, after, handlers, stop.signal);
  return () => stop.abort();
}

async function run(path: string, after: string | null, handlers: StreamHandlers, stopped: AbortSignal): Promise<void> {
  const { onEvents, onConnection = () => {}, onRefused = () => {} } = handlers;
  let last = after;
  let pause = FIRST_PAUSE_MS;
  onConnection("connecting");
  while (!stopped.aborted) {
    try {
      const ended = await read(
        path,
        last,
        stopped,
        () => onConnection("open"),
        (events) => {
          last = events.findLast(({ id }) => id !== undefined)?.id ?? last;
          pause = FIRST_PAUSE_MS;
          onEvents(events);
        },
      );
      if (ended) {
        if (!stopped.aborted) onConnection("ended");
        return;
      }
    } catch (error) {
      if (stopped.aborted) return;
      // Too many at once, or a broker that is away, pass; anything else that the service refuses does not.
      if (error instanceof ServiceError && error.status < 500 && error.status !== 429) {
        onConnection("ended");
        onRefused(error);
        return;
      }
    }
    if (stopped.aborted) return;
    onConnection("reconnecting");
    await sleepUntilWorthTrying(pause, stopped);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

/** One connection. Gives true once there is nothing more to come. */
async function read(
  path: string,
  after: string | null,
  stopped: AbortSignal,
  onOpen: () => void,
  onEvents: (events: readonly EventSourceMessage[]) => void,
): Promise<boolean> {
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  try {
    heard();
    const response = await fetchWithKey(path, {
      headers: { accept: "text/event-stream", ...(after === null ? {} : { "last-event-id": after }) },
      signal: AbortSignal.any([stopped, silence.signal]),
    });
    if (response.status === 204 || !response.body) return true;
    onOpen();
    let events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => events.push(event) });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      heard();
      parser.feed(value);
      if (events.length > 0) onEvents(events);
      events = [];
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A while, or until the network is back, or someone looks at the page again. */
function sleepUntilWorthTrying(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener("online", over);
      document.removeEventListener("visibilitychange", over);
      stopped.removeEventListener("abort", over);
      resolve();
    };
    // Spread, so that a service that comes back is not asked by all at the same moment.
    const timer = setTimeout(over, ms * (0.75 + Math.random() / 2));
    addEventListener("online", over);
    document.addEventListener("visibilitychange", over);
    stopped.addEventListener("abort", over);
  });
}
