/** Checks path, query and headers against their zod schemas, and says all that is wrong with them at once. */
import type { FastifySchemaCompiler } from "fastify";
import { z } from "zod";
import { nearest } from "../data/nearest-name.ts";
import { type Mistake, ProblemError, summarise } from "./problems.ts";

const PARTS: Record<string, string> = { querystring: "the query", params: "the path", headers: "the headers" };

export const checkRequestPart: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const part = PARTS[httpPart ?? ""] ?? "the request";
  return (data: unknown) => {
    const read = schema.safeParse(data);
    if (read.success) return { value: read.data };
    const mistakes = mistakesOf(read.error, schema);
    return { error: new ProblemError("invalid-parameter", summarise(mistakes, part), { errors: mistakes }) };
  };
};

export function mistakesOf(error: z.ZodError, schema: z.ZodType): Mistake[] {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return error.issues.flatMap((issue): Mistake[] => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: key, message: `is unknown here${nearest(key, known)}` }));
    return [{ path: issue.path.map(String).join("."), message: messageOf(issue) }];
  });
}

function messageOf(issue: z.core.$ZodIssue): string {
  // fast-querystring gives a list when a name comes twice.
  if (issue.code === "invalid_type" && Array.isArray(issue.input)) return "is given twice; once is enough";
  return issue.message;
}
