/** A part of a spec that names a type and gives its arguments: a layer, a loss, an optimizer. */
import type { z } from "zod";
import { describe } from "../data/inline.ts";
import { nearest, nearestName } from "../data/nearest-name.ts";
import { joinPath, type Mistakes, parseOr } from "./mistakes.ts";

interface Definition {
  readonly type: string;
  readonly args: z.ZodObject;
}

/** The definition, and the arguments with defaults; `args` is undefined where they can't be read. */
export interface Checked<D extends Definition> {
  readonly definition: D;
  readonly args: Record<string, unknown> | undefined;
}

/**
 * Tells what is wrong with `{ type, …args }`, or with a bare type where `shorthand` allows one. A type that is only
 * mistyped is taken for the near one, so that what follows can still be checked. Undefined when nothing is near.
 */
export function checkComponent<D extends Definition>(
  input: unknown,
  kind: string,
  definitions: ReadonlyMap<string, D>,
  path: string,
  mistakes: Mistakes,
  shorthand = false,
): Checked<D> | undefined {
  const given = shorthand && typeof input === "string" ? { type: input } : input;
  const example = [...definitions.keys()][0] ?? "";
  if (!isRecord(given)) {
    const problem = given === undefined ? "is required: " : "expects ";
    const found = given === undefined ? "" : `, got ${describe(given)}`;
    mistakes.add(path, `${problem}an object with a type, such as { "type": "${example}" }${found}`);
    return undefined;
  }
  const { type, ...rest } = given;
  const typePath = given === input ? joinPath(path, "type") : path;
  if (typeof type !== "string") {
    const problem =
      type === undefined ? `is required: the ${kind}'s PyTorch name` : `expects a name, got ${describe(type)}`;
    mistakes.add(typePath, `${problem}, such as "${example}"`);
    return undefined;
  }
  const definition = definitions.get(type);
  if (definition !== undefined) return { definition, args: parseOr(definition.args, rest, path, mistakes) };

  const known = [...definitions.keys()];
  const all = known.length <= 12 ? ` (there are ${known.join(", ")})` : `; GET /v1/catalog lists all ${known.length}`;
  mistakes.add(typePath, `unknown ${kind} ${JSON.stringify(type)}${nearest(type, known) || all}`);
  const near = definitions.get(nearestName(type, known) ?? "");
  return near && { definition: near, args: near.args.safeParse(rest).data };
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
