/** Whether an answer is one that the OpenAPI document promises: its status, its media type, its schema. */
import type { OpenAPIV3_1 } from "openapi-types";
import { z } from "zod";
import type { FuzzAnswer, FuzzRequest } from "./client.ts";

/** What Node, the router or a reader of bodies says of a request that reaches no route. */
const BEFORE_ANY_ROUTE = [400, 401, 404, 405, 413, 415, 431];

export class Promises {
  readonly #document: OpenAPIV3_1.Document;
  readonly #schemas = new Map<string, z.ZodType>();

  constructor(document: OpenAPIV3_1.Document) {
    this.#document = document;
  }

  /** What is wrong with an answer; null if nothing is. */
  broken({ operation, method }: FuzzRequest, answer: FuzzAnswer): string | null {
    const { status, text, whole } = answer;
    const type = answer.headers["content-type"]?.split(";")[0]?.trim() ?? null;
    if (status >= 500) return `a status ${status}: ${text.slice(0, 500)}`;
    if (!answer.headers["x-request-id"] && status !== 400 && status !== 431) return "no x-request-id";
    const problem = status >= 400 ? this.#brokenProblem(status, type, text, method) : null;
    if (problem) return problem;
    const responses = this.#responsesOf(operation);
    // A stream has no head of its own.
    if (responses === undefined || (method === "HEAD" && status === 405))
      return status < 400 || BEFORE_ANY_ROUTE.includes(status) ? null : `status ${status} where there is no route`;
    const promised = responses[status];
    if (promised === undefined) return `an undocumented status ${status}: ${text.slice(0, 300)}`;
    if ("$ref" in promised) return "a reference where an answer was expected";
    const content = promised.content ?? {};
    if (type === null) return Object.keys(content).length === 0 && text === "" ? null : "no content type";
    const media = content[type];
    if (media === undefined) return `an undocumented content type ${type} with status ${status}`;
    if (!whole || method === "HEAD" || !/json$/.test(type)) return null;
    return this.#brokenBody(`${operation} ${status} ${type}`, media.schema, text);
  }

  #responsesOf(operation: string): OpenAPIV3_1.ResponsesObject | undefined {
    const [method = "", path = ""] = operation.split(" ");
    const item = this.#document.paths?.[path];
    const found = Object.entries(item ?? {}).find(([name]) => name === method.toLowerCase())?.[1];
    return typeof found === "object" && "responses" in found ? found.responses : undefined;
  }

  #brokenProblem(status: number, type: string | null, text: string, method: string): string | null {
    if (type !== "application/problem+json") return `a problem of type ${type}`;
    if (method === "HEAD") return null;
    const read = this.#brokenBody("Problem", { $ref: "#/components/schemas/Problem" }, text);
    if (read) return read;
    const told: { status: number; detail: string } = JSON.parse(text);
    if (told.status !== status) return `a problem that says ${told.status} with a status ${status}`;
    if (/(?:got|expects|of|named) undefined|\[object |\bat .*\.ts:\d/.test(told.detail))
      return `a detail for programmers: ${told.detail}`;
    return null;
  }

  #brokenBody(name: string, schema: unknown, text: string): string | null {
    // Lines of JSON are one answer each.
    const texts = name.includes("ndjson") ? text.split("\n").filter((line) => line !== "") : [text];
    for (const one of texts) {
      let value: unknown;
      try {
        value = JSON.parse(one);
      } catch {
        return `no JSON: ${one.slice(0, 300)}`;
      }
      const read = this.#schemaOf(name, schema).safeParse(value);
      if (!read.success) {
        const [issue] = read.error.issues;
        return `not its schema at ${issue?.path.join(".")}: ${issue?.message}`;
      }
    }
    return null;
  }

  #schemaOf(name: string, schema: unknown): z.ZodType {
    const known = this.#schemas.get(name);
    if (known) return known;
    const text = JSON.stringify({ ...Object(schema), $defs: this.#document.components?.schemas });
    const made = z.fromJSONSchema(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")));
    this.#schemas.set(name, made);
    return made;
  }
}
