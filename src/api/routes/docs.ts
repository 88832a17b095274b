/** The API reference, drawn from /openapi.json by Scalar, without a request to anyone else. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type DashboardFile, etagOf } from "../dashboard-files.ts";
import { REFERENCE_POLICY } from "../security-headers.ts";
import { sendFile } from "./dashboard.ts";

const compress = promisify(gzip);

export function docsRoutes(app: FastifyInstance): void {
  let reference: Promise<FastifyInstance> | undefined;
  const files = new Map<string, DashboardFile>();
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const [path = "", query] = request.url.split("?");
    // Its files lie below.
    if (path === "/docs") return reply.redirect(`/docs/${query === undefined ? "" : `?${query}`}`, 301);
    reference ??= openReference();
    const file = files.get(path) ?? (await readFile(await reference, path));
    if (!file) {
      reply.callNotFound();
      return reply;
    }
    files.set(path, file);
    return sendFile(file, request, reply.header("content-security-policy", REFERENCE_POLICY));
  };
  app.get("/docs", { schema: { hide: true } }, show);
  app.get("/docs/*", { schema: { hide: true } }, show);
}

/** Made once: to hand on and compress megabytes for every reader would hold up the others. Null if there is no such file. */
async function readFile(reference: FastifyInstance, path: string): Promise<DashboardFile | null> {
  const { statusCode, headers, rawPayload: body } = await reference.inject(path);
  if (statusCode !== 200) return null;
  const compressed = new Map([["gzip", await compress(body)]]);
  return { type: String(headers["content-type"]), body, etag: etagOf(body), immutable: false, compressed };
}

/** An app of its own, made for the first who asks: it holds a script of five megabytes. */
async function openReference(): Promise<FastifyInstance> {
  const app = Fastify();
  const { default: scalar } = await import("@scalar/fastify-api-reference");
  await app.register(scalar, {
    routePrefix: "/docs",
    configuration: {
      url: "/openapi.json",
      title: "epochd API",
      favicon: "/assets/dashboard/icon.svg",
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      showDeveloperTools: "never",
      hideClientButton: true,
    },
  });
  return app;
}
