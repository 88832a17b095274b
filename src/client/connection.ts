/** Requests to one service: address, key, problems as errors, and another try where that is safe. */
import { ProblemError, UnreachableError } from "./errors.ts";
import type { Problem } from "./types.ts";

export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:3000`, which is the default, or `/` for the one that served the page. */
  readonly url?: string | URL;
  /** An API key, where the service asks for one. */
  readonly key?: string;
  /** Ends whatever this client has under way. */
  readonly signal?: AbortSignal;
  /** In place of the global one. */
  readonly fetch?: typeof fetch;
}

export interface RequestOptions {
  /** Ends this request. */
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions extends RequestOptions {
  /** How many to give at most; all, if nothing is said. */
  readonly limit?: number;
}

export interface Call extends RequestOptions {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: BodyInit;
  /** Whether to try again when the service was away: by default only what changes nothing is. */
  readonly again?: boolean;
}

interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

/** Entries of a page, at most. */
const PAGE = 100;
const TRIES = 4;
const FIRST_PAUSE_MS = 250;

export class Connection {
  readonly #base: string;
  readonly #key: string | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #fetch: typeof fetch;

  constructor({ url = "http://127.0.0.1:3000", key, signal, fetch: given }: ClientOptions) {
    if (!/^(https?:\/)?\//i.test(String(url)))
      throw new TypeError(`url expects an address such as "http://127.0.0.1:3000", got ${JSON.stringify(String(url))}`);
    this.#base = String(url).replace(/\/+$/, "");
    this.#key = key;
    this.#signal = signal;
    this.#fetch = given ?? ((input, init) => fetch(input, init));
  }

  json<T>(path: string, call: Call = {}): Promise<T> {
    return this.send(path, call, (answer) => answer.json());
  }

  /** The entries of a list, page by page as they are asked for. */
  async *list<T>(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    { limit = Number.POSITIVE_INFINITY, ...options }: ListOptions,
  ): AsyncGenerator<T, void> {
    let left = limit;
    let cursor: string | undefined;
    while (left > 0) {
      const asked = { ...query, limit: Math.min(left, PAGE), cursor };
      const page: Page<T> = await this.json(path, { query: asked, ...options });
      yield* page.data;
      if (page.next_cursor === null) return;
      left -= page.data.length;
      cursor = page.next_cursor;
    }
  }

  /** What is read of a successful answer. Throws ProblemError, UnreachableError, or the reason of a signal. */
  async send<T>(path: string, call: Call, read: (answer: Response) => Promise<T> | T): Promise<T> {
    const again = call.again ?? (call.method === undefined || call.method === "GET");
    const signal = this.signalOf(call.signal);
    for (let tried = 1; ; tried++) {
      try {
        const answer = await this.#once(path, call);
        // An answer that breaks off was no answer.
        return await reached(signal, "The connection broke.", async () => read(answer));
      } catch (error) {
        if (!again || tried === TRIES || !isPassing(error)) throw error;
        await pause(waitAfter(error, tried), signal);
      }
    }
  }

  /** Aborted as soon as one of them is: that of the client, and that of a call. */
  signalOf(...own: readonly (AbortSignal | undefined)[]): AbortSignal | undefined {
    const signals = [this.#signal, ...own].filter((signal) => signal !== undefined);
    return signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  }

  async #once(path: string, { method = "GET", query, headers: own, json, body, signal }: Call): Promise<Response> {
    const asked = Object.entries(query ?? {}).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const search = asked.length > 0 ? `?${new URLSearchParams(asked)}` : "";
    const all = this.signalOf(signal);
    const headers = {
      accept: "application/json",
      ...(this.#key !== undefined && { authorization: `Bearer ${this.#key}` }),
      ...(json !== undefined && { "content-type": "application/json" }),
      ...own,
    };
    const sent = json === undefined ? body : JSON.stringify(json);
    const init = { method, headers, ...(sent !== undefined && { body: sent }), ...(all && { signal: all }) };
    const away = `The service at ${this.#base || "this address"} does not answer.`;
    const answer = await reached(all, away, () => this.#fetch(`${this.#base}${path}${search}`, init));
    if (answer.ok) return answer;
    throw new ProblemError(await problemIn(answer), retryAfter(answer));
  }
}

/** Makes what the network says an UnreachableError; what a signal ends has the signal's reason. */
async function reached<T>(signal: AbortSignal | undefined, message: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new UnreachableError(message, { cause });
  }
}

/** Whatever stands between may answer, too, and not with a problem document. */
async function problemIn(answer: Response): Promise<Problem> {
  const text = await answer.text().catch(() => "");
  const problem = parsed(text);
  if (typeof problem?.detail === "string")
    return { type: "about:blank", title: "", status: answer.status, ...problem, detail: problem.detail };
  const detail = text.trim().slice(0, 500) || `The answer was ${answer.status} ${answer.statusText}.`;
  return { type: "about:blank", title: answer.statusText, status: answer.status, detail };
}

function parsed(text: string): Partial<Problem> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function retryAfter(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** Whether the same may succeed a moment later: nobody answered, the broker was away, or it was too much at once. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ProblemError) return [429, 502, 503, 504].includes(error.status);
  return error instanceof UnreachableError;
}

/** Twice as long after each failure, with some chance in it so that many clients don't come back as one. */
export function waitAfter(error: unknown, failures: number): number {
  const backOff = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), 10_000) * (0.75 + Math.random() / 2);
  return Math.max(backOff, (error instanceof ProblemError && error.retryAfterMs) || 0);
}

export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
