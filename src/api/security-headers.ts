/** Security headers: a page may load only what this service serves, so a name that a user chose can't run as code. */
import type { FastifyInstance } from "fastify";
import helmet from "helmet";

const POLICY = {
  "default-src": ["'self'"],
  "script-src": ["'self'"],
  "style-src": ["'self'"],
  "img-src": ["'self'", "data:"],
  "connect-src": ["'self'"],
  "object-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'none'"],
};

/** The API reference sets inline styles and starts from an inline script; it shows nothing that a user wrote. */
export const REFERENCE_POLICY = toHeader({
  ...POLICY,
  "script-src": ["'self'", "'unsafe-inline'"],
  "style-src": ["'self'", "'unsafe-inline'"],
  "font-src": ["'self'", "data:"],
});

/**
 * Made once: the plugin that Fastify has for it makes all of it anew for each request, and what it leaves behind costs pauses of
 * 20 to 40 ms, several a second (bench/RESULTS.md).
 */
const setHeaders = helmet({
  contentSecurityPolicy: { useDefaults: false, directives: POLICY },
  // The service speaks plain HTTP; whoever puts TLS before it sets this header there.
  strictTransportSecurity: false,
  crossOriginEmbedderPolicy: false,
});

export function protectPages(app: FastifyInstance): void {
  app.addHook("onRequest", (request, reply, next) => setHeaders(request.raw, reply.raw, () => next()));
}

function toHeader(policy: Record<string, string[]>): string {
  return Object.entries(policy)
    .map(([name, sources]) => `${name} ${sources.join(" ")}`)
    .join("; ");
}
