/** A span for each request, in the trace of who asks if there is one; handlers find it at their request. */
import type { FastifyInstance } from "fastify";
import { NO_TRACING, type Span, type Tracing } from "../tracing/tracing.ts";

declare module "fastify" {
  interface FastifyRequest {
    span: Span;
  }
}

/** Asked every few seconds by machines. */
const UNTRACED: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz", "/metrics"]);

export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const untraced = NO_TRACING.begin("", { kind: "server" });
  app.decorateRequest("span");
  app.addHook("onRequest", async (request) => {
    const { method } = request;
    const route = request.routeOptions.url ?? "(no route)";
    const parent = request.headers["traceparent"];
    request.span = UNTRACED.has(route)
      ? untraced
      : tracing.begin(`${method} ${route}`, {
          kind: "server",
          parent: typeof parent === "string" ? parent : null,
          attributes: {
            "http.request.method": method,
            "http.route": route,
            "url.path": request.url.split("?")[0] ?? "",
            "epochd.request.id": request.id,
          },
        });
  });
  app.addHook("onResponse", async ({ span }, { statusCode }) => {
    span.set({ "http.response.status_code": statusCode });
    span.end(statusCode >= 500 ? `status ${statusCode}` : undefined);
  });
}
