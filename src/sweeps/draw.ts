/** One point of a search space: what was drawn, and the spec that comes of it. */
import { isRecord } from "../spec/check-component.ts";
import { joinPath } from "../spec/mistakes.ts";
import type { ChoiceLeaf, Leaf, Node } from "./search-space.ts";
import { type PathKey, withValue } from "./spec-path.ts";

/** A field of the spec that varies. */
export interface Field {
  readonly path: readonly PathKey[];
  readonly node: Node;
}

/** By a leaf's id: its number, or which option of a choice it is. What was not drawn is missing. */
export type Draws = Readonly<Record<string, number>>;

/** What people are shown of a draw. */
export type Params = Readonly<Record<string, string | number | boolean | null>>;

export interface Point {
  readonly draws: Draws;
  readonly params: Params;
  readonly spec: unknown;
  /** Where a part of the spec comes from, as `space["optimizer"].choice[1].lr`. */
  readonly origins: ReadonlyMap<string, string>;
}

/** `pick` gives a number within a leaf's ends, or the place of an option. The base must have the fields' places. */
export function drawPoint(base: unknown, fields: readonly Field[], pick: (leaf: Leaf) => number): Point {
  const draws: Record<string, number> = {};
  const params: Record<string, string | number | boolean | null> = {};
  const origins = new Map<string, string>();

  const draw = (leaf: Leaf): number => {
    const value = pick(leaf);
    draws[leaf.id] = value;
    params[leaf.id] = leaf.kind === "number" ? value : labelOf(leaf, value);
    return value;
  };
  const build = (node: Node, at: string, origin: string): unknown => {
    origins.set(at, origin);
    switch (node.kind) {
      case "constant":
        return node.value;
      case "number":
        return draw(node);
      case "choice": {
        const i = draw(node);
        const option = node.options[i];
        return option && build(option, at, joinPath(origin, "choice", i));
      }
      case "object":
        return Object.fromEntries(
          node.entries.map(([key, inner]) => [key, build(inner, joinPath(at, key), joinPath(origin, key))]),
        );
      case "array":
        return buildArray(node.items, at, origin);
      case "repeat":
        return buildArray([node], at, origin);
    }
  };
  const buildArray = (items: readonly Node[], at: string, origin: string): unknown[] => {
    const built: unknown[] = [];
    const add = (item: Node, from: string): void => {
      built.push(build(item, joinPath(at, built.length), from));
    };
    for (const [i, item] of items.entries()) {
      const from = joinPath(origin, i);
      if (item.kind !== "repeat") {
        add(item, from);
        continue;
      }
      const times = draw(item.times);
      const count = item.times.kind === "number" ? times : numberOf(item.times, times);
      for (const copy of item.copies.slice(0, count)) {
        for (const [j, inner] of copy.entries()) add(inner, joinPath(from, "repeat", j));
      }
    }
    return built;
  };

  let spec = base;
  for (const { path, node } of fields) {
    const at = joinPath("", ...path);
    const set = withValue(spec, path, build(node, at, joinPath("space", at)));
    if ("lost" in set) throw new Error(`The base spec has no place ${at}: it ${set.lost}.`);
    spec = set.spec;
  }
  return { draws, params, spec, origins };
}

const numberOf = ({ options }: ChoiceLeaf, i: number): number => {
  const option = options[i];
  return option?.kind === "constant" && typeof option.value === "number" ? option.value : 0;
};

/** A plain option is itself; of an object its type says enough, of anything else its place. */
function labelOf({ options }: ChoiceLeaf, i: number): string | number | boolean | null {
  const option = options[i];
  if (option?.kind === "constant") {
    const { value } = option;
    if (value === null || typeof value === "number" || typeof value === "string" || typeof value === "boolean")
      return value;
    if (isRecord(value) && typeof value["type"] === "string") return value["type"];
  }
  const type = option?.kind === "object" ? option.entries.find(([key]) => key === "type")?.[1] : undefined;
  return type?.kind === "constant" && typeof type.value === "string" ? type.value : `option ${i + 1}`;
}

/** Every leaf, also those that only some draws reach. */
export function* leavesOf(node: Node): Generator<Leaf> {
  switch (node.kind) {
    case "constant":
      return;
    case "number":
      yield node;
      return;
    case "choice":
      yield node;
      for (const option of node.options) yield* leavesOf(option);
      return;
    case "object":
      for (const [, inner] of node.entries) yield* leavesOf(inner);
      return;
    case "array":
      for (const item of node.items) yield* leavesOf(item);
      return;
    case "repeat":
      yield node.times;
      for (const copy of node.copies) for (const item of copy) yield* leavesOf(item);
  }
}
