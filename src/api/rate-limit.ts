/** How many requests may come in a minute: from a key, and from an address without a valid one. Counted in the broker, for all API processes. */
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { needsKey } from "./access.ts";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problems.ts";
import { quotaFor } from "./quotas.ts";

const WINDOW_MS = 60_000;

/** Gives what counts a request that has no valid key; it throws a ProblemError once there were too many. */
export async function limitRates(
  app: FastifyInstance,
  parts: ApiParts,
): Promise<(request: FastifyRequest) => Promise<void>> {
  const most = (request: FastifyRequest): number | null => quotaFor(parts, request).requests;
  await app.register(rateLimit, {
    timeWindow: WINDOW_MS,
    max: (request: FastifyRequest) => most(request) ?? 0,
    allowList: (request: FastifyRequest) => !needsKey(request.routeOptions.url ?? "") || most(request) === null,
    keyGenerator: (request: FastifyRequest) => request.key?.id ?? `ip:${request.ip}`,
    redis: parts.redis,
    nameSpace: parts.log.keys.requests,
    // Without a broker the call itself says so.
    skipOnError: true,
    enableDraftSpec: true,
    errorResponseBuilder: (_request, { max, ttl }) => tooMany(max, ttl),
  });
  const count = app.createRateLimit();
  return async (request) => {
    const counted = await count(request);
    if (!counted.isAllowed && counted.isExceeded) throw tooMany(counted.max, counted.ttl);
  };
}

function tooMany(max: number, ttl: number): ProblemError {
  const seconds = Math.max(1, Math.ceil(ttl / 1000));
  return new ProblemError(
    "too-many-requests",
    `More than ${max} requests came within a minute; try again in ${seconds} s. Events come over one stream, without asking again and again.`,
    { headers: { "retry-after": String(seconds) } },
  );
}
