/** Who may ask what: a key sees its own jobs, data sets and sweeps, and of others not even that they exist. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problems.ts";
import { noSuchJob, noSuchSweep } from "./routes/common.ts";
import { noSuchDataset } from "./routes/datasets.ts";
import { unknownModel } from "./routes/imported-models.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The id of the key that asks; null where none is asked for. */
    owner: string | null;
  }
}

/** Pages, health and documents are for everybody; what they show comes from calls that need a key. */
export const needsKey = (route: string): boolean => route.startsWith("/v1/") || route === "/metrics";

export function controlAccess(app: FastifyInstance, parts: ApiParts): void {
  app.decorateRequest("owner", null);
  if (!parts.keysRequired) return;

  app.addHook("onRequest", async (request) => {
    const route = request.routeOptions.url;
    if (route === undefined || !needsKey(route)) return;
    if (route === "/v1/jobs/:id/events" && (await hasStreamToken(parts, request))) return;
    request.owner = await ownerOf(parts, request);
  });
  app.addHook("preHandler", async (request) => {
    const { owner } = request;
    const id = idOf(request);
    if (owner === null || id === undefined) return;
    const [, , collection] = request.routeOptions.url?.split("/") ?? [];
    if ((await parts.owners.ownerOf(id)) === owner) return;
    if (collection === "datasets") throw noSuchDataset(id);
    if (collection === "models") throw unknownModel(id);
    throw collection === "sweeps" ? noSuchSweep(id) : noSuchJob(id);
  });
}

async function ownerOf({ keys }: ApiParts, { headers }: FastifyRequest): Promise<string> {
  const secret = /^Bearer +([\x21-\x7e]{1,200})$/i.exec(headers.authorization ?? "")?.[1];
  const key = secret === undefined ? null : await keys.find(secret);
  if (key) return key.id;
  const why = headers.authorization === undefined ? "This call needs an API key" : "This is no valid API key";
  throw new ProblemError(
    "unauthorized",
    `${why}: send "Authorization: Bearer <key>". Whoever runs the service makes one with "npm start -- keys create <name>".`,
    { headers: { "www-authenticate": "Bearer" } },
  );
}

async function hasStreamToken({ keys }: ApiParts, request: FastifyRequest): Promise<boolean> {
  const { query } = request;
  if (typeof query !== "object" || query === null || !("token" in query) || typeof query.token !== "string")
    return false;
  const job = await keys.jobOfStreamToken(query.token);
  return job !== null && job === idOf(request);
}

function idOf({ params }: FastifyRequest): string | undefined {
  if (typeof params !== "object" || params === null || !("id" in params)) return undefined;
  return typeof params.id === "string" ? params.id : undefined;
}

/** Whether this request may see something that its body or query names, rather than its path. */
export async function maySee(
  { owners }: ApiParts,
  { owner }: Pick<FastifyRequest, "owner">,
  id: string,
): Promise<boolean> {
  return owner === null || (await owners.ownerOf(id)) === owner;
}
