/** Reads server-sent events as an EventSource does, and can drop its connection at any moment. */
import { createParser } from "eventsource-parser";

export interface ReadEvent {
  id: string;
  event: string;
  data: string;
}

export interface Reading {
  readonly status: number;
  readonly headers: Headers;
  readonly events: ReadEvent[];
  readonly comments: string[];
  /** Every byte that came. */
  readonly text: string;
}

/** Reads until the stream ends, or until `enough` says so after an event (then the connection is dropped). */
export async function readEvents(
  url: string,
  options: {
    lastEventId?: string;
    accept?: string;
    headers?: Record<string, string>;
    enough?: (events: ReadEvent[]) => boolean;
    enoughComments?: number;
  } = {},
): Promise<Reading> {
  const response = await fetch(url, {
    headers: {
      accept: options.accept ?? "text/event-stream",
      ...options.headers,
      ...(options.lastEventId !== undefined && { "last-event-id": options.lastEventId }),
    },
  });
  const events: ReadEvent[] = [];
  const comments: string[] = [];
  let text = "";
  let done = false;
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      if (done) return;
      events.push({ id: id ?? "", event: event ?? "message", data });
      done = options.enough?.(events) ?? false;
    },
    onComment: (comment) => {
      comments.push(comment);
      if (comments.length === options.enoughComments) done = true;
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const part = decoder.decode(chunk, { stream: true });
    text += part;
    parser.feed(part);
    // Leaving the loop cancels the body, which closes the connection.
    if (done) break;
  }
  return { status: response.status, headers: response.headers, events, comments, text };
}

export const seqs = (events: readonly ReadEvent[]): number[] => events.map(({ id }) => Number(id));

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
