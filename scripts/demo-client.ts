/** What a client of the service needs: JSON over HTTP, and events over SSE. Nothing of the service's own code. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import { z } from "zod";

export const Dataset = z.object({ id: z.string(), rows: z.number(), columns: z.array(z.object({ name: z.string() })) });

export const Job = z.object({
  id: z.string(),
  status: z.string(),
  model_summary: z.object({ parameters: z.number() }),
});

export const Prediction = z.object({ outputs: z.array(z.array(z.number())), labels: z.array(z.string()) });

export const Epoch = z.object({
  epoch: z.number(),
  epochs: z.number(),
  loss: z.number().nullable(),
  val_loss: z.number().nullish(),
  metrics: z.record(z.string(), z.number().nullable()).optional(),
  val_metrics: z.record(z.string(), z.number().nullable()).optional(),
  samples_per_s: z.number().nullish(),
});
export type Epoch = z.infer<typeof Epoch>;

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

const Problem = z.object({
  title: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

export class Client {
  readonly #base: string;
  readonly #signal: AbortSignal | null;

  /** The signal ends whatever is under way. */
  constructor(base: string, signal: AbortSignal | null = null) {
    this.#base = base;
    this.#signal = signal;
  }

  async upload<T>(path: string, body: Uint8Array<ArrayBuffer>, contentType: string, answer: z.ZodType<T>): Promise<T> {
    return answer.parse(await this.#json(path, { method: "POST", body, headers: { "content-type": contentType } }));
  }

  async post<T>(path: string, body: unknown, answer: z.ZodType<T>): Promise<T> {
    const headers = { "content-type": "application/json" };
    return answer.parse(await this.#json(path, { method: "POST", body: JSON.stringify(body), headers }));
  }

  async get<T>(path: string, answer: z.ZodType<T>): Promise<T> {
    return answer.parse(await this.#json(path, {}));
  }

  async bytes(path: string): Promise<Uint8Array> {
    return (await this.#answer(path, {})).bytes();
  }

  /** A job's events from the first one on, until the service ends the stream after the last. */
  async *events(path: string): AsyncGenerator<ServerEvent> {
    const { body } = await this.#answer(path, { headers: { accept: "text/event-stream" } });
    if (!body) throw new Error(`GET ${path} has no body`);
    const messages = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { event, data } of messages) yield { event: event ?? "message", data: JSON.parse(data) };
  }

  async #json(path: string, init: RequestInit): Promise<unknown> {
    return (await this.#answer(path, init)).json();
  }

  async #answer(path: string, init: RequestInit): Promise<Response> {
    const answer = await fetch(this.#base + path, { ...init, signal: this.#signal });
    if (answer.ok) return answer;
    throw new Error(`${init.method ?? "GET"} ${path} → ${answer.status}: ${explain(await answer.text())}`);
  }
}

/** A problem document in words; anything else as it came. */
function explain(body: string): string {
  try {
    const { title, detail, errors } = Problem.parse(JSON.parse(body));
    return [detail ?? title, ...(errors ?? []).map(({ path, message }) => `  ${path}: ${message}`)].join("\n");
  } catch {
    return body.slice(0, 500);
  }
}
