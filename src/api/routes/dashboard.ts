/** The dashboard page and its files. They are read once, at the start; their TypeScript loses its types on the way. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const FOLDER = new URL("../../dashboard/", import.meta.url);
const UPLOT = dirname(fileURLToPath(import.meta.resolve("uplot/dist/uPlot.esm.js")));

const TYPES: Record<string, string> = {
  ".ts": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".html": "text/html; charset=utf-8",
};

interface Asset {
  readonly type: string;
  readonly body: string;
  readonly etag: string;
}

export async function dashboardRoutes(app: FastifyInstance): Promise<void> {
  const assets = await readAssets();
  app.get("/", { schema: { hide: true } }, (request, reply) => send(assets.get("index.html"), request, reply));
  app.get<{ Params: { file: string } }>("/assets/dashboard/:file", { schema: { hide: true } }, (request, reply) =>
    send(assets.get(request.params.file), request, reply),
  );
  await app.register(fastifyStatic, {
    root: UPLOT,
    prefix: "/assets/uplot/",
    decorateReply: false,
    schemaHide: true,
    maxAge: "1h",
  });
}

function send(asset: Asset | undefined, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!asset) {
    reply.callNotFound();
    return reply;
  }
  reply.header("etag", asset.etag).header("cache-control", "no-cache");
  if (request.headers["if-none-match"] === asset.etag) return reply.code(304).send();
  return reply.type(asset.type).send(asset.body);
}

async function readAssets(): Promise<Map<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const file of await readdir(FOLDER)) {
    const type = TYPES[extname(file)];
    if (!type) continue;
    const text = await readFile(new URL(file, FOLDER), "utf8");
    const body = extname(file) === ".ts" ? forBrowser(text) : text;
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    assets.set(file, { type, body, etag });
  }
  return assets;
}

/** Browsers know no types and no package names. */
function forBrowser(source: string): string {
  return stripTypeScriptTypes(source).replaceAll('from "uplot"', 'from "/assets/uplot/uPlot.esm.js"');
}
