/** Reads JSON bodies: says where a malformed one breaks, and refuses nesting deep enough to exhaust a stack. */
import type { FastifyInstance } from "fastify";
import { findJsonMistake } from "./json-mistake.ts";
import { ProblemError } from "./problems.ts";

/** A tensor of any sensible rank inside a spec stays far below this. */
const MAX_DEPTH = 64;

export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    ["application/json", "application/*+json"],
    { parseAs: "buffer" },
    async (_request: unknown, body: Buffer) => parseJson(body),
  );
}

/** `undefined` for an empty body: some calls need none, and the others say so themselves. */
export function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  const text = decodeUtf8(body);
  const depth = deepest(text);
  if (depth > MAX_DEPTH)
    throw new ProblemError("malformed-json", `The body nests more than ${MAX_DEPTH} brackets deep.`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const mistake = findJsonMistake(text);
    const where = mistake ? `line ${mistake.line}, column ${mistake.column}: ${mistake.message}` : String(cause);
    throw new ProblemError("malformed-json", `The body is not JSON. At ${where}.`, { cause });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

export function decodeUtf8(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new ProblemError("malformed-json", "The body is not UTF-8 text. JSON is always sent as UTF-8.", { cause });
  }
}

/** How deep brackets nest, outside strings. Stops counting once the limit is passed. */
function deepest(text: string): number {
  let depth = 0;
  let most = 0;
  for (let i = 0; i < text.length && most <= MAX_DEPTH; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) i = endOfString(text, i);
    else if (code === 0x5b || code === 0x7b) most = Math.max(most, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return most;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) return i;
  }
  return text.length;
}
