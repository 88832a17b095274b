/** How the page asks the service: with its key, and with errors that say what the service says. */
import type { Problem } from "../../jobs/problem.ts";
import { apiKey, wantKey } from "./api-key.ts";

/** An answer that is an error; its message is the service's own explanation. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly status: number;
  readonly problem: Problem | null;

  constructor(status: number, problem: Problem | null) {
    super(problem?.detail ?? `The service answered with status ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

export interface Request {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** Sent as JSON, but for what is a file. */
  readonly body?: object | Blob;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The answer's JSON. Throws ServiceError, or TypeError if nobody answers. */
export async function ask<T>(path: string, request: Request = {}): Promise<T> {
  const response = await fetchWithKey(path, {
    ...request,
    headers: { accept: "application/json", ...request.headers },
  });
  return response.json();
}

/** Has something done that is answered by its status alone. */
export async function tell(path: string, request: Request): Promise<void> {
  await fetchWithKey(path, request);
}

/** The answer itself, for streams and files; it is no error. */
export async function fetchWithKey(
  path: string,
  { method = "GET", body, headers, signal }: Request,
): Promise<Response> {
  for (;;) {
    const key = apiKey.value;
    const isFile = body instanceof Blob;
    const response = await fetch(path, {
      method,
      cache: "no-store",
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body !== undefined && !isFile ? { "content-type": "application/json" } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isFile ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    if (response.ok) return response;
    const problem: Problem | null = await response.json().catch(() => null);
    if (response.status !== 401) throw new ServiceError(response.status, problem);
    // Another call may have been given a key in the meantime.
    if (apiKey.value === key) await wantKey(problem?.detail ?? "The service asks for an API key.");
    signal?.throwIfAborted();
  }
}

/** Whether nobody answered: that passes. A refusal does not. */
export const isAway = (error: unknown): boolean => error instanceof TypeError;

/** What to tell a person about it, who asked for something that is not asked again by itself. */
export function messageOf(error: unknown): string {
  if (error instanceof ServiceError) return error.message;
  return "The service does not answer. Try again once it does.";
}
