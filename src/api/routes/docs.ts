/** The API reference, drawn from /openapi.json by Scalar, without a request to anyone else. */
import scalar from "@scalar/fastify-api-reference";
import type { FastifyInstance } from "fastify";
import { REFERENCE_POLICY } from "../security-headers.ts";

export async function docsRoutes(app: FastifyInstance): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook("onSend", async (_request, reply) => void reply.header("content-security-policy", REFERENCE_POLICY));
    await scope.register(scalar, {
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
  });
}
