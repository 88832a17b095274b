/** The API reference, drawn from /openapi.json by Scalar, without a request to anyone else. */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { ReferenceFiles } from "../reference-files.ts";
import { REFERENCE_POLICY } from "../security-headers.ts";
import { sendFile } from "./dashboard.ts";

export function docsRoutes(app: FastifyInstance): void {
  const files = new ReferenceFiles(openReference);
  const show = async (request: Asking, reply: FastifyReply): Promise<FastifyReply> => {
    const [path, query] = request.url.split("?");
    // Its files lie below.
    if (path === "/docs") return reply.redirect(`/docs/${query === undefined ? "" : `?${query}`}`, 301);
    const file = await files.find(`/docs/${request.params["*"] ?? ""}`);
    if (file) return sendFile(file, request, reply.header("content-security-policy", REFERENCE_POLICY));
    reply.callNotFound();
    return reply;
  };
  app.get("/docs", { schema: { hide: true } }, show);
  app.get("/docs/*", { schema: { hide: true } }, show);
}

type Asking = FastifyRequest<{ Params: { "*"?: string } }>;

/** An app of its own, made for the first who asks: it holds a script of five megabytes. */
async function openReference(): Promise<FastifyInstance> {
  const app = Fastify();
  const { default: scalar } = await import("@scalar/fastify-api-reference");
  await app.register(scalar, {
    routePrefix: "/docs",
    configuration: {
      url: "/openapi.json",
      pageTitle: "epochd API",
      title: "epochd API",
      // Beside the models that the service keeps.
      modelsSectionLabel: "schemas",
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
