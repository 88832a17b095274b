/** The HTTP API as a table of contents: what is switched on, then one line for each resource. */
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { newId } from "../jobs/ids.ts";
import { traceIdOf } from "../tracing/tracing.ts";
import { VERSION } from "../version.ts";
import { controlAccess } from "./access.ts";
import { answerBrokenConnection, answerErrors, sendProblem } from "./error-handler.ts";
import { acceptJsonBodies } from "./json-body.ts";
import { describeRoutes } from "./openapi.ts";
import type { ApiParts } from "./parts.ts";
import { limitRates } from "./rate-limit.ts";
import { checkRequestPart } from "./request-checks.ts";
import { catalogRoutes } from "./routes/catalog.ts";
import { changeRoutes } from "./routes/change.ts";
import { controlRoutes } from "./routes/control.ts";
import { dashboardRoutes } from "./routes/dashboard.ts";
import { datasetRoutes } from "./routes/datasets.ts";
import { deliveryRoutes } from "./routes/deliveries.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { docsRoutes } from "./routes/docs.ts";
import { eventRoutes } from "./routes/events.ts";
import { eventsOfJobsRoutes } from "./routes/events-of-jobs.ts";
import { healthRoutes } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { importedModelRoutes } from "./routes/imported-models.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { metricRoutes } from "./routes/metrics.ts";
import { modelRoutes } from "./routes/model.ts";
import { predictRoutes } from "./routes/predict.ts";
import { predictionsRoutes } from "./routes/predictions.ts";
import { specRoutes } from "./routes/spec.ts";
import { streamTokenRoutes } from "./routes/stream-tokens.ts";
import { submitRoutes } from "./routes/submit.ts";
import { sweepControlRoutes } from "./routes/sweeps/control.ts";
import { sweepEventRoutes } from "./routes/sweeps/events.ts";
import { sweepModelRoutes } from "./routes/sweeps/model.ts";
import { submitSweepRoutes } from "./routes/sweeps/submit.ts";
import { sweepRoutes } from "./routes/sweeps/sweeps.ts";
import { workerRoutes } from "./routes/workers.ts";
import { protectPages } from "./security-headers.ts";
import { traceRequests } from "./trace-requests.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** A POST that only asks. */
    changesNothing?: boolean;
  }
}

/** How long a shutdown waits for requests that are under way. */
const GRACE_MS = 2000;

export async function buildApp(parts: ApiParts): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = parts.logger;
  const app = Fastify({
    loggerInstance,
    genReqId: () => newId("req"),
    bodyLimit: parts.limits.bodyBytes,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    // What is under way at a shutdown is answered; connections that only wait are closed.
    forceCloseConnections: "idle",
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request_id" }),
    clientErrorHandler: answerBrokenConnection,
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
  });
  let closing = false;
  app.addHook("preClose", async () => {
    closing = true;
    // What is under way may end, such as a large upload; a client that does not read its answer must not hold the rest.
    setTimeout(() => app.server.closeAllConnections(), GRACE_MS).unref();
    // A stream has no end of its own: without this a shutdown would wait for its listeners.
    parts.feed.close();
    await parts.hub.close();
  });
  app.addHook("onSend", async (_request, reply) => {
    if (closing) reply.header("connection", "close");
  });

  app.setValidatorCompiler(checkRequestPart);
  // Answers follow their schemas by TypeScript and by tests; checking each again would cost time and could only fail.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.addHook("onRequest", async (request, reply) => void reply.header("x-request-id", request.id));
  traceRequests(app, parts.tracing);
  logRequests(app);
  answerErrors(app);
  controlAccess(app, parts, await limitRates(app, parts));
  acceptJsonBodies(app);
  protectPages(app);
  await describeRoutes(app, VERSION);

  metricRoutes(app, parts);
  submitRoutes(app, parts);
  jobRoutes(app, parts);
  controlRoutes(app, parts);
  changeRoutes(app, parts);
  deliveryRoutes(app, parts);
  eventRoutes(app, parts);
  eventsOfJobsRoutes(app, parts);
  streamTokenRoutes(app, parts);
  historyRoutes(app, parts);
  specRoutes(app, parts);
  modelRoutes(app, parts);
  importedModelRoutes(app, parts);
  predictRoutes(app, parts);
  predictionsRoutes(app, parts);
  submitSweepRoutes(app, parts);
  sweepRoutes(app, parts);
  sweepControlRoutes(app, parts);
  sweepEventRoutes(app, parts);
  sweepModelRoutes(app, parts);
  datasetRoutes(app, parts);
  catalogRoutes(app);
  workerRoutes(app, parts);
  deviceRoutes(app, parts);
  healthRoutes(app, parts);
  docsRoutes(app);
  await dashboardRoutes(app);
  return app;
}

/** The job that a request is about, or has made: so all lines about it are found, those of the workers, too. */
function jobOf({ params, routeOptions }: FastifyRequest, reply: FastifyReply): string | undefined {
  const made = /^\/v1\/jobs\/(job_\w+)$/.exec(String(reply.getHeader("location") ?? ""))?.[1];
  if (made !== undefined || !routeOptions.url?.startsWith("/v1/jobs/:id")) return made;
  return typeof params === "object" && params !== null && "id" in params ? String(params.id) : undefined;
}

/** One line for each request that changes something; those that only look are told at debug, or a page would fill the log. */
function logRequests(app: FastifyInstance): void {
  app.addHook("onResponse", async (request, reply) => {
    const { method, url, routeOptions } = request;
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    const line = {
      method,
      url,
      status: reply.statusCode,
      ms,
      job: jobOf(request, reply),
      trace_id: traceIdOf(request.span),
    };
    const looks = method === "GET" || method === "HEAD" || routeOptions.config.changesNothing === true;
    if (looks) request.log.debug(line, "answered");
    else request.log.info(line, "answered");
  });
}
