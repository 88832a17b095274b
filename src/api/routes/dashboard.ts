/** The dashboard page and its files, as scripts/build-dashboard.ts has built them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type DashboardFile, ENCODINGS, readDashboard } from "../dashboard-files.ts";

const A_YEAR_S = 31_536_000;
const NOT_BUILT =
  "The dashboard is not built. `npm run build` builds it; the service shows it from its next start on.\n";

export async function dashboardRoutes(app: FastifyInstance): Promise<void> {
  const files = await readDashboard();
  app.get("/", { schema: { hide: true } }, (request, reply) => {
    const page = files.get("index.html");
    return page ? sendFile(page, request, reply) : reply.code(503).type("text/plain; charset=utf-8").send(NOT_BUILT);
  });
  app.get<{ Params: { file: string } }>("/assets/dashboard/:file", { schema: { hide: true } }, (request, reply) => {
    const file = files.get(request.params.file);
    if (file) return sendFile(file, request, reply);
    reply.callNotFound();
    return reply;
  });
}

/** Compressed where the client takes it, and not at all if it has it already. */
export function sendFile(file: DashboardFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply
    .header("etag", file.etag)
    .header("vary", "accept-encoding")
    .header("cache-control", file.immutable ? `public, max-age=${A_YEAR_S}, immutable` : "no-cache");
  if (request.headers["if-none-match"] === file.etag) return reply.code(304).send();
  const accepted = String(request.headers["accept-encoding"] ?? "");
  const encoding = ENCODINGS.find(({ name }) => file.compressed.has(name) && takes(accepted, name));
  if (encoding) reply.header("content-encoding", encoding.name);
  return reply.type(file.type).send((encoding && file.compressed.get(encoding.name)) ?? file.body);
}

/** Whether `Accept-Encoding` names it, and not with a weight of zero. */
function takes(accepted: string, encoding: string): boolean {
  return accepted.split(",").some((part) => {
    const [name, weight] = part.split(";").map((word) => word.trim());
    return name === encoding && !/^q=0(?:\.0*)?$/.test(weight ?? "");
  });
}
