/** The OpenAPI 3.1 document: made from the routes' zod schemas, with the prose that schemas can't hold. */
import swagger, { type SwaggerTransform } from "@fastify/swagger";
import type { FastifyInstance, FastifySchema } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Scope } from "../jobs/api-keys.ts";
import { Problem } from "../jobs/problem.ts";
import { needsKey, scopeOf } from "./access.ts";
import { type ProblemName, statusOf, titleOf } from "./problems.ts";
import { tidy } from "./tidy-openapi.ts";

declare module "fastify" {
  interface FastifySchema {
    /** A body that the route checks itself, so that all its mistakes come at once: shown, but not enforced here. */
    documentedBody?: z.ZodType;
  }
}

const DESCRIPTION = `Training as a service: post a network as JSON, watch its losses arrive, ask the trained model. The [dashboard](/) shows all of it.

1. \`POST /v1/datasets\` with a CSV, or put the data into the spec.
2. \`POST /v1/jobs\` with a spec. Every mistake in it is found now, each with its path. \`POST /v1/jobs/validate\` only checks.
3. \`GET /v1/jobs/{id}/events\` streams every epoch as it ends, as server-sent events.
4. \`POST /v1/jobs/{id}/predict\` asks the model; \`GET /v1/jobs/{id}/model\` downloads it.

JSON is in \`snake_case\`; times are RFC 3339 in UTC; ids sort by time. Lists are \`{ "data": […], "next_cursor": "…" | null }\`, newest first,
continued with \`?cursor=\`. Unknown fields are refused, with the nearest known name. Every error is an RFC 9457 problem document
(\`application/problem+json\`), whose \`errors\` name every mistake.`;

const TAGS = [
  { name: "jobs", description: "Submit, follow, cancel and delete trainings." },
  { name: "sweeps", description: "One spec, many jobs: search for the best settings." },
  { name: "trained models", description: "Download a trained model, or ask it." },
  { name: "models", description: "Bring models along from other frameworks." },
  { name: "datasets", description: "Upload tables to train on." },
  { name: "service", description: "What the service offers and how it is." },
];

/** The JSON Schema of zod says more than people want to read: patterns of formats, bounds of safe integers. */
const zodToJsonConfig = {
  override: ({ jsonSchema, zodSchema }: { jsonSchema: Record<string, unknown>; zodSchema: unknown }) => {
    // Only a strict object refuses further fields; an answer may gain some, and its readers must not break on them.
    if (zodSchema instanceof z.ZodObject && !zodSchema.def.catchall) delete jsonSchema["additionalProperties"];
    if (jsonSchema["format"]) delete jsonSchema["pattern"];
    if (jsonSchema["minimum"] === Number.MIN_SAFE_INTEGER) delete jsonSchema["minimum"];
    if (jsonSchema["maximum"] === Number.MAX_SAFE_INTEGER) delete jsonSchema["maximum"];
  },
};

export async function describeRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "epochd", version, description: DESCRIPTION, license: { name: "MIT", identifier: "MIT" } },
      servers: [{ url: "/", description: "this service" }],
      tags: TAGS,
      components: {
        securitySchemes: {
          key: {
            type: "http",
            scheme: "bearer",
            description:
              "Where the service asks for API keys (API_KEYS_REQUIRED=1). A key has scopes: `read`, `write`, `metrics`, or `admin` for all that of every key.",
          },
        },
      },
    },
    transform: withDocumentedBody(createJsonSchemaTransform({ zodToJsonConfig })),
    transformObject: createJsonSchemaTransformObject({ zodToJsonConfig }),
  });
  let document: string | undefined;
  app.get("/openapi.json", { schema: { hide: true } }, async (_request, reply) => {
    document ??= JSON.stringify(tidy(app.swagger()));
    return reply.type("application/json").send(document);
  });
}

function withDocumentedBody(transform: SwaggerTransform<FastifySchema>): SwaggerTransform<FastifySchema> {
  return (input) => {
    const { documentedBody, ...schema } = input.schema ?? {};
    const whole = documentedBody ? { ...schema, body: documentedBody } : schema;
    const { method, config } = input.route;
    const understood = withProblems(
      whole,
      method === "GET" || method === "HEAD" ? UNREADABLE : [...UNREADABLE, ...UNREADABLE_BODY],
    );
    const guarded = needsKey(input.url) ? withKey(understood, scopeOf(input.url, method, config)) : understood;
    return transform({ ...input, schema: guarded });
  };
}

/** What any request can be told before it reaches its route. */
const UNREADABLE = ["malformed-request", "headers-too-large"] as const;
const UNREADABLE_BODY = ["malformed-json", "too-large", "unsupported-media-type"] as const;

/** A key is asked for where the service is configured so; else the call is open. */
function withKey(schema: FastifySchema, scope: Scope): FastifySchema {
  const limited = withProblems(schema, ["unauthorized", "forbidden", "too-many-requests"]);
  return { ...limited, security: [{ key: [scope] }, {}] };
}

function withProblems(schema: FastifySchema, names: readonly ProblemName[]): FastifySchema {
  const response: Record<string, { description?: string }> = { ...Object(schema.response) };
  for (const name of names) {
    const status = statusOf(name);
    const before = response[status]?.description;
    if (!before?.includes(`\`${name}\``)) response[status] = problemAnswer(name, before);
  }
  return { ...schema, response };
}

/** A JSON answer with a sentence about it. */
export function answer(description: string, schema: z.ZodType, contentType = "application/json") {
  return { description, content: { [contentType]: { schema } } };
}

export function nothing(description: string) {
  return z.null().describe(description);
}

/** The problems that a route can answer with, by status; those that any route can are added. */
export function problems(...names: ProblemName[]) {
  const byStatus: Record<number, { description: string; content: Record<string, { schema: z.ZodType }> }> = {};
  for (const name of [...names, "unavailable", "internal-error"] as const) {
    const status = statusOf(name);
    const before = byStatus[status]?.description;
    byStatus[status] = problemAnswer(name, before);
  }
  return byStatus;
}

function problemAnswer(name: ProblemName, before?: string) {
  const line = `${titleOf(name)} (\`${name}\`)`;
  return answer(before ? `${before}; ${line}` : line, Problem, "application/problem+json");
}
