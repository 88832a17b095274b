/** Turns whatever went wrong into a problem document: thrown problems, Fastify's own errors, a broker that is away. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { newId } from "../jobs/ids.ts";
import { isStoreFull, StoreAwayError } from "../jobs/object-store.ts";
import { isBrokerAway, isUnable, isUnsent } from "../jobs/redis.ts";
import { drain } from "./drain.ts";
import { ProblemError } from "./problems.ts";

const RETRY_AFTER_S = 2;

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (error, request, reply) => {
    // Who is still sending would see the connection break instead of the answer.
    if (toProblem(error).problem === "too-large") await drain(request.raw);
    return sendProblem(error, request, reply);
  });
  const methodsOf = rememberRoutes(app);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0] ?? request.url;
    const methods = methodsOf(path);
    const problem =
      methods.length > 0 && !methods.includes(request.method)
        ? new ProblemError(
            "method-not-allowed",
            `${request.method} is not possible on ${path}; ${methods.join(", ")} is.`,
            {
              headers: { allow: methods.join(", ") },
            },
          )
        : new ProblemError("not-found", `There is nothing at ${shorten(path)}. /docs lists every call.`);
    return sendProblem(problem, request, reply);
  });
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500 && problem.problem !== "unavailable") request.log.error({ err: error }, problem.message);
  else if (error instanceof StoreAwayError) request.log.warn({ err: error }, problem.message);
  else request.log.debug({ err: error }, problem.message);
  return reply
    .code(problem.status)
    .headers({ ...problem.headers, "x-request-id": request.id })
    .type("application/problem+json")
    .send(problem.document(request.id));
}

export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StoreAwayError) return storeAway(error);
  if (isBrokerAway(error)) return brokerAway(error);
  if (isStoreFull(error)) {
    return new ProblemError("insufficient-storage", "The disk of the service is full. Nothing was kept.", {
      cause: error,
    });
  }
  if (error instanceof Error && "code" in error) {
    const known = KNOWN.get(String(error.code));
    if (known) return known(error);
    if ("statusCode" in error && isClientStatus(error.statusCode))
      return new ProblemError("malformed-request", error.message, { cause: error });
  }
  // What broke here is for the log, not for the client.
  return new ProblemError(
    "internal-error",
    "Something broke in the service. The log has more under this request_id; trying again may help.",
    { cause: error },
  );
}

export function brokerAway(cause: unknown): ProblemError {
  return new ProblemError(
    "unavailable",
    `The broker that keeps the jobs does not answer. ${unchanged(cause)}; try again in ${RETRY_AFTER_S} s.`,
    { headers: { "retry-after": String(RETRY_AFTER_S) }, cause },
  );
}

/** Why is for the log: it may name hosts that are nobody's business. */
function storeAway(cause: StoreAwayError): ProblemError {
  return new ProblemError(
    "unavailable",
    `The store of data sets and models does not answer. Try again in ${RETRY_AFTER_S} s.`,
    { headers: { "retry-after": String(RETRY_AFTER_S) }, cause },
  );
}

const unchanged = (cause: unknown): string =>
  isUnsent(cause) || isUnable(cause)
    ? "Nothing was changed"
    : "It was lost on the way there or back: what was asked for may be done already (an Idempotency-Key makes it safe to ask again)";

/** For what never became a request: Node could not even parse it. */
export function answerBrokenConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === "HPE_HEADER_OVERFLOW"
      ? new ProblemError("headers-too-large", "The request's headers are larger than this service reads.")
      : new ProblemError("malformed-request", "This is not an HTTP request that the service can read.");
  const body = JSON.stringify(problem.document(newId("req")));
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const KNOWN = new Map<string, (error: Error) => ProblemError>([
  [
    "FST_ERR_CTP_BODY_TOO_LARGE",
    (cause) =>
      new ProblemError(
        "too-large",
        "The body is larger than the service takes as JSON. Upload data with POST /v1/datasets and name its id in the spec; send rows to predict by the line, as application/x-ndjson.",
        { cause },
      ),
  ],
  [
    "FST_ERR_CTP_INVALID_MEDIA_TYPE",
    (cause) =>
      new ProblemError(
        "unsupported-media-type",
        `${cause.message}. Send JSON with "content-type: application/json"; a dataset as /docs says, such as "text/csv"; a model's weights as "application/octet-stream".`,
        { cause },
      ),
  ],
]);

function isClientStatus(status: unknown): boolean {
  return typeof status === "number" && status >= 400 && status < 500;
}

/** Which methods a path has, so that a wrong method is told apart from a wrong path. */
function rememberRoutes(app: FastifyInstance): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    const escaped = url.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`^${escaped.replaceAll(/:[A-Za-z_]+/g, "[^/]+").replaceAll("*", ".*")}$`);
    routes.push({ pattern, methods: [method].flat() });
  });
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))];
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
