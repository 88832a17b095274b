/**
 * The search space of a sweep: which fields of a spec vary, and how. A field's value is a distribution, or any JSON in which
 * distributions stand; what stands inside an option of a `choice` is drawn only where that option is.
 */
import { z } from "zod";
import { describe } from "../data/inline.ts";
import { nearest } from "../data/nearest-name.ts";
import { isRecord } from "../spec/check-component.ts";
import { joinPath, Mistakes, tell } from "../spec/mistakes.ts";

const steps = z
  .int()
  .min(2)
  .max(10_000)
  .optional()
  .meta({ description: "Only so many values, evenly apart, both ends among them; a grid needs it." });
const ordered = ([low, high]: readonly [number, number]) => low < high;
const order = "expects the smaller end first, and two different ends";
const range = (end: z.ZodNumber) => z.tuple([end, end]).refine(ordered, order);

const MOST_OPTIONS = 1000;
const MOST_COPIES = 64;

/** By name, as a space writes them: `{ "uniform": [0, 0.5] }`. */
export const distributions = {
  choice: z
    .strictObject({ choice: z.array(z.unknown()).min(1).max(MOST_OPTIONS) })
    .meta({ description: "One of these: numbers, names, objects, lists; distributions may stand inside." }),
  uniform: z
    .strictObject({ uniform: range(z.number()), steps })
    .meta({ description: "A number between two, each as likely." }),
  log_uniform: z
    .strictObject({ log_uniform: range(z.number().positive()), steps })
    .meta({ description: "A number between two above 0, each order of magnitude as likely." }),
  int: z.strictObject({ int: range(z.int()), steps }).meta({ description: "A whole number, both ends among them." }),
  log_int: z
    .strictObject({ log_int: range(z.int().positive()), steps })
    .meta({ description: "A whole number above 0, each order of magnitude as likely." }),
  repeat: z.strictObject({ repeat: z.array(z.unknown()).min(1).max(MOST_OPTIONS), times: z.unknown() }).meta({
    description:
      "In a list, such as one of layers: these entries, `times` times over: an `int` or a `choice` of whole numbers. Each copy has its own draws.",
  }),
} as const;

/** For the documents: the parser below knows better where a mistake is. */
export const SearchSpaceSchema = z
  .record(
    z.string(),
    z.union([
      distributions.choice,
      distributions.uniform,
      distributions.log_uniform,
      distributions.int,
      distributions.log_int,
      z.array(z.unknown()),
      z.looseObject({}),
    ]),
  )
  .meta({
    id: "SearchSpace",
    description: "Distributions by the path of the field that varies, such as `model.layers[0].out_features`.",
    examples: [
      {
        "optimizer.lr": { log_uniform: [0.0001, 0.1] },
        batch_size: { choice: [16, 32, 64] },
        "model.layers[0].out_features": { log_int: [16, 128] },
      },
    ],
  });

/** Something that is drawn. Its id is its path within the space. */
export type Leaf = ChoiceLeaf | NumberLeaf;

export interface ChoiceLeaf {
  readonly kind: "choice";
  readonly id: string;
  readonly options: readonly Node[];
}

export interface NumberLeaf {
  readonly kind: "number";
  readonly id: string;
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly integer: boolean;
  /** All values that it can take; null: any between the ends. */
  readonly values: readonly number[] | null;
}

export type Node =
  | Leaf
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, Node])[] }
  | { readonly kind: "array"; readonly items: readonly Node[] }
  /** Spliced into the array that it stands in. */
  | { readonly kind: "repeat"; readonly times: Leaf; readonly copies: readonly (readonly Node[])[] };

const NAMES = Object.keys(distributions);
const NOTHING: Node = { kind: "constant", value: null };

/** The node that JSON describes. After a mistake, the best guess. `path` is where it stands in the request. */
export function parseNode(given: unknown, id: string, path: string, mistakes: Mistakes, inArray = false): Node {
  if (Array.isArray(given)) return parseArray(given, id, path, mistakes);
  if (!isRecord(given)) return { kind: "constant", value: given };
  const known = Object.entries(distributions).find(([name]) => Object.hasOwn(given, name));
  if (known === undefined || isOrdinary(given, known[0])) {
    const entries = Object.entries(given).map(
      ([key, value]) => [key, parseNode(value, joinPath(id, key), joinPath(path, key), mistakes)] as const,
    );
    return entries.every(([, { kind }]) => kind === "constant")
      ? { kind: "constant", value: given }
      : { kind: "object", entries };
  }
  const [name, schema] = known;
  if (name === "repeat") return parseRepeat(given, id, path, mistakes, inArray);
  return parseLeaf(schema, given, id, path, mistakes) ?? NOTHING;
}

/** A distribution's value is a list; a spec may have a field of that name, if it ever does, that is none. */
const isOrdinary = (given: Record<string, unknown>, name: string): boolean =>
  "type" in given || !Array.isArray(given[name]);

function parseArray(given: readonly unknown[], id: string, path: string, mistakes: Mistakes): Node {
  // Data may be large, and holds no distributions.
  if (given.every((item) => typeof item !== "object")) return { kind: "constant", value: given };
  const items = given.map((item, i) => parseNode(item, joinPath(id, i), joinPath(path, i), mistakes, true));
  return items.every(({ kind }) => kind === "constant") ? { kind: "constant", value: given } : { kind: "array", items };
}

/** What must be a distribution: the value of a field of the space itself. */
export function parseField(given: unknown, id: string, path: string, mistakes: Mistakes): Node {
  const example = 'such as { "choice": [16, 32] } or { "log_uniform": [0.0001, 0.1] }';
  if (!isRecord(given) && !Array.isArray(given)) {
    mistakes.add(path, `expects a distribution, ${example}, got ${describe(given)}; what does not vary stands in base`);
    return { kind: "constant", value: given };
  }
  const before = mistakes.list.length;
  const node = parseNode(given, id, path, mistakes);
  if (node.kind !== "constant" || mistakes.list.length > before) return node;
  const [key = ""] = Object.keys(given);
  mistakes.add(path, () => {
    const near = Array.isArray(given) ? "" : nearest(key, NAMES);
    return near ? `unknown distribution "${key}"${near}` : `holds no distribution, ${example}`;
  });
  return node;
}

type Distribution = (typeof distributions)[keyof typeof distributions];

function parseLeaf(schema: Distribution, given: object, id: string, path: string, mistakes: Mistakes): Leaf | null {
  const read = schema.safeParse(given, { reportInput: true });
  if (!read.success) {
    tell(read.error, schema, path, mistakes);
    return null;
  }
  const { data } = read;
  if ("choice" in data) {
    const at = joinPath(path, "choice");
    const options = data.choice.map((option, i) =>
      parseNode(option, joinPath(id, "choice", i), joinPath(at, i), mistakes),
    );
    return { kind: "choice", id, options };
  }
  if ("uniform" in data) return numberLeaf(id, data.uniform, { log: false, integer: false }, data.steps);
  if ("log_uniform" in data) return numberLeaf(id, data.log_uniform, { log: true, integer: false }, data.steps);
  if ("int" in data) return numberLeaf(id, data.int, { log: false, integer: true }, data.steps);
  if ("log_int" in data) return numberLeaf(id, data.log_int, { log: true, integer: true }, data.steps);
  return null;
}

/** More whole numbers than these are told by their ends alone. */
const MOST_LISTED = 1000;

function numberLeaf(
  id: string,
  [low, high]: readonly [number, number],
  kind: { readonly log: boolean; readonly integer: boolean },
  steps: number | undefined,
): NumberLeaf {
  let values: number[] | null = null;
  if (steps !== undefined) {
    const points = Array.from({ length: steps }, (_, i) => between(low, high, i / (steps - 1), kind.log));
    values = [...new Set(points.map((value) => (kind.integer ? Math.round(value) : tidy(value, low, high))))];
  } else if (kind.integer && !kind.log && high - low < MOST_LISTED) {
    values = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  }
  return { kind: "number", id, low, high, ...kind, values };
}

function parseRepeat(given: object, id: string, path: string, mistakes: Mistakes, inArray: boolean): Node {
  if (!inArray) {
    mistakes.add(path, '"repeat" stands in a list, such as { "model.layers": [{ "repeat": […], "times": … }, …] }');
    return NOTHING;
  }
  const read = distributions.repeat.safeParse(given, { reportInput: true });
  if (!read.success) {
    tell(read.error, distributions.repeat, path, mistakes);
    return NOTHING;
  }
  const { repeat, times } = read.data;
  const at = joinPath(path, "times");
  const count = parseNode(times, joinPath(id, "times"), at, mistakes);
  const counts = count.kind === "choice" || count.kind === "number" ? possible(count) : null;
  if (counts === null || (count.kind !== "choice" && count.kind !== "number")) {
    mistakes.add(at, 'expects an int or a choice of whole numbers, such as { "int": [1, 3] }');
    return NOTHING;
  }
  if (counts.some((n) => !Number.isInteger(n) || n < 0 || n > MOST_COPIES)) {
    mistakes.add(at, `expects whole numbers from 0 to ${MOST_COPIES}`);
    return NOTHING;
  }
  const copies = Array.from({ length: Math.max(...counts) }, (_, copy) =>
    repeat.map((item, i) =>
      // The first copy tells what is wrong with each.
      parseNode(
        item,
        joinPath(id, "repeat", copy, i),
        joinPath(path, "repeat", i),
        copy > 0 ? new Mistakes() : mistakes,
        true,
      ),
    ),
  );
  return { kind: "repeat", times: count, copies };
}

function possible(leaf: Leaf): readonly number[] | null {
  if (leaf.kind === "number") return leaf.integer ? (leaf.values ?? [leaf.low, leaf.high]) : null;
  const values = leaf.options.map((option) => (option.kind === "constant" ? option.value : null));
  return values.every((value) => typeof value === "number") ? values : null;
}

/** The number that lies the share `at` of the way between two. */
export function between(low: number, high: number, at: number, log: boolean): number {
  return log ? Math.exp(Math.log(low) + at * (Math.log(high) - Math.log(low))) : low + at * (high - low);
}

/** Six digits say enough, and people can copy them. */
export function tidy(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Number(value.toPrecision(6))));
}
