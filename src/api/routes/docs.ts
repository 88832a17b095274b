/** The API reference, drawn from /openapi.json by Scalar, without a request to anyone else. */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { REFERENCE_POLICY } from "../security-headers.ts";

export function docsRoutes(app: FastifyInstance): void {
  let reference: Promise<FastifyInstance> | undefined;
  const show = async ({ url }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const [path = "", query] = url.split("?");
    // Its files lie below.
    if (path === "/docs") return reply.redirect(`/docs/${query === undefined ? "" : `?${query}`}`, 301);
    reference ??= openReference();
    const { statusCode, headers, rawPayload } = await (await reference).inject(url);
    if (statusCode === 404) {
      reply.callNotFound();
      return reply;
    }
    return reply
      .code(statusCode)
      .type(headers["content-type"] ?? "text/plain")
      .header("content-security-policy", REFERENCE_POLICY)
      .send(rawPayload);
  };
  app.get("/docs", { schema: { hide: true } }, show);
  app.get("/docs/*", { schema: { hide: true } }, show);
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
