/** Whether the service lives, and whether it can work. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { VERSION } from "../../version.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";

const Health = z
  .object({
    status: z.literal("ok"),
    version: z.string(),
    uptime_s: z.number(),
    broker: z.object({
      kind: z.string().describe("`external` (REDIS_URL), `server` (a Redis or Valkey started here) or `embedded`."),
      promise: z.string().describe("What it promises about durability."),
    }),
  })
  .meta({ id: "Health" });

const check = z.object({ ok: z.boolean(), latency_ms: z.number(), error: z.string().optional() });
const Readiness = z
  .object({ status: z.enum(["ready", "unavailable"]), checks: z.object({ broker: check, store: check }) })
  .meta({ id: "Readiness" });

type Check = z.infer<typeof check>;

/** A part that takes longer than this to say anything is not ready. */
const PATIENCE_MS = 2000;

export function healthRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();
  const { kind, promise } = parts.broker;

  app.get(
    "/healthz",
    {
      logLevel: "warn",
      schema: {
        operationId: "getHealth",
        tags: ["service"],
        summary: "Whether the process lives",
        description: "Asks nothing else, so an orchestrator does not restart an API because its broker is away.",
        response: { 200: answer("It lives.", Health) },
      },
    },
    async (): Promise<z.infer<typeof Health>> => ({
      status: "ok",
      version: VERSION,
      uptime_s: Math.round(process.uptime()),
      broker: { kind, promise },
    }),
  );

  app.get(
    "/readyz",
    {
      logLevel: "warn",
      schema: {
        operationId: "getReadiness",
        tags: ["service"],
        summary: "Whether requests can be served",
        description: "Asks the broker and the object store.",
        response: {
          200: answer("Both answer.", Readiness),
          ...problems(),
          503: answer("One does not; its `error` says why.", Readiness),
        },
      },
    },
    async (_request, reply): Promise<z.infer<typeof Readiness>> => {
      const [broker, store] = await Promise.all([timed(() => parts.redis.ping()), timed(() => parts.store.check())]);
      const ready = broker.ok && store.ok;
      if (!ready) reply.code(503).header("retry-after", "2");
      return { status: ready ? "ready" : "unavailable", checks: { broker, store } };
    },
  );
}

async function timed(ask: () => Promise<unknown>): Promise<Check> {
  const start = performance.now();
  const latency = () => Math.round((performance.now() - start) * 100) / 100;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    await Promise.race([ask(), late.promise]);
    return { ok: true, latency_ms: latency() };
  } catch (error) {
    return { ok: false, latency_ms: latency(), error: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
