/** A part of a spec that takes one of several forms, told apart by the field that only it has. */
import type { z } from "zod";
import { describe } from "../data/inline.ts";
import { nearest } from "../data/nearest-name.ts";
import { isRecord } from "./check-component.ts";
import { joinPath, type Mistakes, parseOr, unknownField } from "./mistakes.ts";

/** Tells the mistakes of the form that was meant, and of no other. */
export function parseForm<Forms extends Record<string, z.ZodObject>>(
  given: unknown,
  forms: Forms,
  path: string,
  mistakes: Mistakes,
): ReturnType<Forms[keyof Forms]["parse"]> | undefined;
export function parseForm(
  given: unknown,
  forms: Record<string, z.ZodObject>,
  path: string,
  mistakes: Mistakes,
): unknown {
  const names = Object.keys(forms);
  const wanted = `an object with ${names.map((name) => `"${name}"`).join(" or ")}`;
  if (!isRecord(given)) {
    mistakes.add(path, given === undefined ? `is required: ${wanted}` : `expects ${wanted}, got ${describe(given)}`);
    return undefined;
  }
  const name = names.find((key) => Object.hasOwn(given, key));
  const form = name === undefined ? undefined : forms[name];
  if (form !== undefined) return parseOr(form, given, path, mistakes);
  const near = Object.keys(given).find((key) => nearest(key, names) !== "");
  if (near === undefined) mistakes.add(path, `expects ${wanted}`);
  else mistakes.add(joinPath(path, near), unknownField(near, names));
  return undefined;
}
