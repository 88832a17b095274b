/** Mistakes of a spec, each with its path, in words for the person who wrote it. */
import { z } from "zod";
import { describe } from "../data/inline.ts";
import { nearest } from "../data/nearest-name.ts";

export interface Mistake {
  /** `model.layers[2].in_features`; "" for the body itself. */
  readonly path: string;
  readonly message: string;
}

/** More than this is noise: a spec with a thousand broken layers needs no thousand lines. */
const MAX_MISTAKES = 100;

/** Collects every mistake, so that all are told at once. */
export class Mistakes {
  readonly list: Mistake[] = [];

  /** A message that takes a search ("did you mean") is given as a function, and not made when no one will read it. */
  add(path: string, message: string | (() => string)): void {
    if (this.list.length === MAX_MISTAKES) return;
    this.list.push({ path, message: typeof message === "string" ? message : message() });
  }

  get none(): boolean {
    return this.list.length === 0;
  }
}

/** `model` + `layers` + 2 + `in_features` → `model.layers[2].in_features` */
export function joinPath(base: string, ...keys: readonly PropertyKey[]): string {
  let path = base;
  for (const key of keys) {
    if (typeof key === "number") path += `[${key}]`;
    else if (/^[A-Za-z_]\w*$/.test(String(key))) path += path === "" ? String(key) : `.${String(key)}`;
    else path += `[${JSON.stringify(String(key))}]`;
  }
  return path;
}

/**
 * Parses and, where it fails, tells every mistake and tries again without the fields at fault, so that the checks that
 * follow have something to go on with. Undefined when even that can't be read.
 */
export function parseOr<Schema extends z.ZodObject>(
  schema: Schema,
  input: Readonly<Record<string, unknown>>,
  path: string,
  mistakes: Mistakes,
  fallback: Readonly<Record<string, unknown>> = {},
): z.output<Schema> | undefined {
  const first = schema.safeParse(input, { reportInput: true });
  if (first.success) return first.data;
  tell(first.error, schema, path, mistakes);
  const wrong = new Set(first.error.issues.flatMap((issue) => keysAtFault(issue)));
  const rest = Object.entries(input).filter(([key]) => !wrong.has(key));
  return schema.safeParse({ ...fallback, ...Object.fromEntries(rest) }).data;
}

/** Adds every issue of a failed parse. */
export function tell(error: z.ZodError, schema: z.ZodType, path: string, mistakes: Mistakes): void {
  for (const issue of error.issues) {
    const at = joinPath(path, ...issue.path);
    if (issue.code !== "unrecognized_keys") mistakes.add(at, sentence(issue));
    else
      for (const key of issue.keys)
        mistakes.add(joinPath(at, key), () => unknownField(key, knownFields(schema, issue.path)));
  }
}

export const unknownField = (name: string, known: Iterable<string>): string =>
  `unknown field ${JSON.stringify(name)}${nearest(name, known)}`;

const keysAtFault = (issue: z.core.$ZodIssue): string[] =>
  issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : [String(issue.path[0])];

function sentence(issue: z.core.$ZodIssue): string {
  const got = `, got ${describe(issue.input)}`;
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? `is required: ${nameOf(issue.expected)}`
        : `expects ${nameOf(issue.expected)}${got}`;
    case "invalid_value":
      return `expects ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}${got}${nearOf(issue)}`;
    case "too_small":
      return `expects ${issue.inclusive ? "at least" : "more than"} ${amount(issue.minimum, issue.origin)}${sizeOf(issue)}`;
    case "too_big":
      return `expects ${issue.inclusive ? "at most" : "less than"} ${amount(issue.maximum, issue.origin)}${sizeOf(issue)}`;
    case "invalid_key":
      return `has a name that is empty or too long: ${issue.issues.map(({ message }) => message).join(", ")}`;
    case "invalid_union":
      return unionSentence(issue.errors, got);
    default:
      return issue.message;
  }
}

/** The form whose type fits is the one that was meant; else all of them are told. */
function unionSentence(given: readonly (readonly z.core.$ZodIssue[])[], got: string): string {
  const forms = given.flatMap(alternatives);
  const meant = forms.find((form) => form.every((issue) => issue.path.length > 0 || !isOfAnotherKind(issue)));
  const [first] = meant ?? [];
  if (first) return `${first.path.map((part) => `[${String(part)}] `).join("")}${sentence(first)}`;
  const kinds = forms.flatMap((form) => form.filter(isOfAnotherKind).map(kindOf));
  return kinds.length > 0
    ? `expects ${[...new Set(kinds)].join(" or ")}${got}`
    : `fits none of the forms it may take${got}`;
}

/** A form that is itself a choice is so many forms. */
function alternatives(form: readonly z.core.$ZodIssue[]): (readonly z.core.$ZodIssue[])[] {
  const [only] = form;
  return only?.code === "invalid_union" && form.length === 1 && only.path.length === 0
    ? only.errors.flatMap(alternatives)
    : [form];
}

const isOfAnotherKind = ({ code }: z.core.$ZodIssue): boolean => code === "invalid_type" || code === "invalid_value";

function kindOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return nameOf(issue.expected);
  return issue.code === "invalid_value" ? issue.values.map((value) => JSON.stringify(value)).join(" or ") : "";
}

function nearOf(issue: z.core.$ZodIssueInvalidValue): string {
  if (typeof issue.input !== "string") return "";
  return nearest(
    issue.input,
    issue.values.filter((value) => typeof value === "string"),
  );
}

function nameOf(expected: string): string {
  const names: Record<string, string> = {
    int: "a whole number",
    number: "a number",
    string: "a string",
    boolean: "true or false",
    array: "an array",
    tuple: "an array",
    object: "an object",
    record: "an object",
  };
  return names[expected] ?? expected;
}

function amount(limit: number | bigint, origin: string): string {
  const number = limit.toLocaleString("en-US", { maximumSignificantDigits: 15 });
  if (origin === "string") return `${number} characters`;
  return origin === "array" ? `${number} ${limit === 1 ? "value" : "values"}` : number;
}

function sizeOf({ input, origin }: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  if (typeof input === "string" || Array.isArray(input)) return `, got ${input.length}`;
  return origin === "number" || origin === "int" ? `, got ${describe(input)}` : "";
}

/** The fields of the object that a path leads to. */
function knownFields(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = unwrap(schema);
  for (const key of path) {
    const inner: z.core.$ZodType | undefined =
      at instanceof z.ZodObject ? at.shape[String(key)] : at instanceof z.ZodArray ? at.element : undefined;
    at = inner && unwrap(inner);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const wraps = schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault;
  return wraps ? unwrap(schema.unwrap()) : schema;
}
