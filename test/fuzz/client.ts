/** Sends what a test has drawn over a real connection, as it is, and gives what was answered. */
import { type IncomingHttpHeaders, request } from "node:http";

export interface FuzzRequest {
  readonly operation: string;
  readonly method: string;
  /** As it stands in the request line. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface FuzzAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Whether it came to its end; a stream is left after a moment. */
  readonly whole: boolean;
}

/** What a stream has said by then is enough. */
const STREAM_MS = 30;
const PATIENCE_MS = 60_000;

export function send(url: string, { method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const length = body === null ? {} : { "content-length": String(body.length) };
    const sent = request({
      hostname,
      port,
      method,
      path,
      headers: { ...length, ...headers },
      agent: false,
      timeout: PATIENCE_MS,
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      const settle = (whole: boolean): void => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, text: Buffer.concat(chunks).toString("utf8"), whole });
      };
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => settle(true));
      response.on("error", reject);
      if (!response.headers["content-type"]?.startsWith("text/event-stream")) return;
      setTimeout(() => {
        settle(false);
        response.removeAllListeners("error").on("error", () => {});
        sent.destroy();
      }, STREAM_MS);
    });
    sent.end(body ?? undefined);
  });
}
