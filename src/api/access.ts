/** Who may ask what: a key sees its own jobs, data sets and sweeps, and of others not even that they exist. */
import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from "fastify";
import type { ApiKey, Scope } from "../jobs/api-keys.ts";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problems.ts";
import { noSuchJob, noSuchSweep } from "./routes/common.ts";
import { noSuchDataset } from "./routes/datasets.ts";
import { unknownModel } from "./routes/imported-models.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The key that asks; null where none is asked for. */
    key: ApiKey | null;
    /** The id of the key whose things alone this request may see; null: those of all. */
    owner: string | null;
  }
}

/** Pages, health and documents are for everybody; what they show comes from calls that need a key. */
export const needsKey = (route: string): boolean => route.startsWith("/v1/") || route === "/metrics";

/** What ids in paths stand for, by the collection before them: whose they are is asked before the route is. */
const COLLECTIONS: Readonly<Record<string, (id: string) => ProblemError>> = {
  jobs: noSuchJob,
  datasets: noSuchDataset,
  sweeps: noSuchSweep,
  models: unknownModel,
};

/** `limitStrangers` is asked before a request is told that it has no valid key. */
export function controlAccess(
  app: FastifyInstance,
  parts: ApiParts,
  limitStrangers: (request: FastifyRequest) => Promise<void>,
): void {
  app.decorateRequest("key", null);
  app.decorateRequest("owner", null);
  app.addHook("onRoute", ({ url }) => refuseUnknownIds(url));
  if (!parts.keysRequired) return;

  app.addHook("onRequest", async (request) => {
    const route = request.routeOptions.url;
    if (route === undefined || !needsKey(route)) return;
    if (route === "/v1/jobs/:id/events" && (await hasStreamToken(parts, request))) return;
    const key = await keyOf(parts, request).catch(async (error: unknown) => {
      if (error instanceof ProblemError) await limitStrangers(request);
      throw error;
    });
    refuseOtherScopes(key, request);
    request.key = key;
    request.owner = key.scopes.includes("admin") ? null : key.id;
    await parts.keys.note(key);
  });
  app.addHook("preHandler", async (request) => {
    const id = idOf(request);
    if (id === undefined || (await maySee(parts, request, id))) return;
    throw COLLECTIONS[collectionOf(request.routeOptions.url)]?.(id) ?? noSuchJob(id);
  });
}

const collectionOf = (url = ""): string => url.split("/")[2] ?? "";

/** A route whose path names something that nobody checks the owner of would be open to all keys. */
function refuseUnknownIds(url: string): void {
  const names = [...url.matchAll(/:(\w+)/g)].map(([, name]) => name);
  if (!needsKey(url) || names.length === 0) return;
  if (names.length === 1 && names[0] === "id" && collectionOf(url) in COLLECTIONS) return;
  throw new Error(`${url} names things in a way whose owner is not checked: access.ts knows /v1/<collection>/:id.`);
}

async function keyOf({ keys }: ApiParts, { headers }: FastifyRequest): Promise<ApiKey> {
  const secret = /^Bearer +([\x21-\x7e]{1,200})$/i.exec(headers.authorization ?? "")?.[1];
  const key = secret === undefined ? null : await keys.find(secret);
  if (key === null) {
    const why = headers.authorization === undefined ? "This call needs an API key" : "This is no valid API key";
    throw unauthorized(`${why}: send "Authorization: Bearer <key>".`);
  }
  if (key.expires_at !== null && Date.parse(key.expires_at) <= Date.now())
    throw unauthorized(`The API key ${key.id} has expired, at ${key.expires_at}.`);
  return key;
}

const unauthorized = (why: string): ProblemError =>
  new ProblemError(
    "unauthorized",
    `${why} Whoever runs the service makes one with "npm start -- keys create <name>".`,
    { headers: { "www-authenticate": "Bearer" } },
  );

/** What a call needs of a key. */
export function scopeOf(
  route: string,
  methods: string | readonly string[],
  config?: Pick<FastifyContextConfig, "changesNothing">,
): Scope {
  if (route === "/metrics") return "metrics";
  const looks = [methods].flat().every((method) => method === "GET" || method === "HEAD");
  return looks || config?.changesNothing ? "read" : "write";
}

function refuseOtherScopes({ id, scopes }: ApiKey, { method, routeOptions }: FastifyRequest): void {
  const { url = "", config } = routeOptions;
  const needed = scopeOf(url, method, config);
  if (scopes.includes(needed) || scopes.includes("admin")) return;
  throw new ProblemError(
    "forbidden",
    `The key ${id} may not do this: the call needs the scope "${needed}", and the key has ${scopes.map((scope) => `"${scope}"`).join(", ")}.`,
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

/** Whether this request may see something, be it named by its path, its body or its query. */
export async function maySee(
  { owners }: ApiParts,
  { owner }: Pick<FastifyRequest, "owner">,
  id: string,
): Promise<boolean> {
  return owner === null || (await owners.ownerOf(id)) === owner;
}
