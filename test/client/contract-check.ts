/** Holds what a client sends and hears against the served contract: each call must be one of its operations. */
import type { OpenAPIV3_1 } from "openapi-types";
import { z } from "zod";

export interface CheckedFetch {
  readonly fetch: typeof fetch;
  /** The operations that were called, and what was not as the document says. */
  readonly operations: ReadonlySet<string>;
  readonly breaches: readonly string[];
}

export async function checkedFetch(url: string): Promise<CheckedFetch> {
  const document: OpenAPIV3_1.Document = await fetch(`${url}/openapi.json`).then((answer) => answer.json());
  const operations = new Set<string>();
  const breaches: string[] = [];
  return {
    operations,
    breaches,
    fetch: async (input, init) => {
      const { pathname, searchParams } = new URL(String(input));
      const method = (init?.method ?? "GET").toLowerCase();
      const answer = await fetch(input, init);
      const operation = find(document, pathname, method);
      const call = `${method} ${pathname}`;
      if (!operation) {
        breaches.push(`${call} is no operation`);
        return answer;
      }
      operations.add(operation.operationId ?? call);
      const known = (operation.parameters ?? []).map((parameter) => ("name" in parameter ? parameter.name : ""));
      // Any key of the metadata may stand behind the point; the document names one of them.
      const isKnown = (name: string) => known.includes(name.replace(/^metadata\..*/, "metadata.team"));
      for (const name of searchParams.keys()) if (!isKnown(name)) breaches.push(`${call} knows no ${name}`);
      const breach = await breachOf(document, operation, answer);
      if (breach) breaches.push(`${call}: ${breach}`);
      return answer;
    },
  };
}

function find({ paths = {} }: OpenAPIV3_1.Document, pathname: string, method: string) {
  for (const [template, item] of Object.entries(paths)) {
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    if (!pattern.test(pathname)) continue;
    const found = Object.entries(item ?? {}).find(([name]) => name === method)?.[1];
    if (typeof found === "object" && !Array.isArray(found) && "responses" in found) return found;
  }
  return undefined;
}

async function breachOf(
  document: OpenAPIV3_1.Document,
  operation: OpenAPIV3_1.OperationObject,
  answer: Response,
): Promise<string | null> {
  const documented = operation.responses?.[String(answer.status)];
  if (!documented || "$ref" in documented) return `answers ${answer.status}, which is not documented`;
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  if (answer.status === 204) return null;
  const schema = documented.content?.[type]?.schema;
  if (!schema) return `answers ${answer.status} as ${type || "nothing"}, which is not documented`;
  if (type !== "application/json" && type !== "application/problem+json") return null;
  const text = JSON.stringify({ ...schema, $defs: document.components?.schemas });
  const check = z.fromJSONSchema(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")));
  return check.safeParse(await answer.clone().json()).error?.message ?? null;
}
