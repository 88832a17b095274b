/**
 * How lowerings write kernels: the text of a gpu.js function with sizes baked in, and index arithmetic as text.
 *
 * House rules, which a test holds every source to. Loops run between literals and are never left by `continue`. A local
 * variable is a float32, so an index is exact only below 2²⁴; `this.thread.x`, loop counters and `(value | 0)` are whole
 * numbers inside one expression, and larger arrays are indexed by such an expression alone. Divisions are rounded
 * differently from GPU to GPU, so an index is divided by `quotient`. Functions that GPUs get wrong (see functions.ts) are
 * never called directly.
 */
import type { Lower, Lowering, Operand, Output, Pass, Read } from "../lowering.ts";
import { functionsIn } from "./functions.ts";

/** The instruction's buffer `index`, in table order: writes, updates, reads. */
export const operand = (index: number): Operand => ({ operand: index });
export const temporary = (index: number): Operand => ({ temporary: index });

interface Kernel extends Pick<Pass, "output" | "components" | "writes" | "wgsl"> {
  /** What is read, under the names that `body` uses. */
  readonly reads?: Readonly<Record<string, Read>>;
  readonly body: string;
}

export function pass({ reads = {}, body, ...rest }: Kernel): Pass {
  const source = `function (${Object.keys(reads).join(", ")}) {\n${body}\n}`;
  const functions = functionsIn(source);
  return { source, reads: Object.values(reads), ...rest, ...(functions.length > 0 ? { functions } : {}) };
}

/** A lowering that takes its parameters by name; an empty list of passes where there is nothing to compute. */
export function lowering<Name extends string>(
  names: readonly Name[],
  build: (params: Readonly<Record<Name, number>>, words: readonly number[]) => Lowering | readonly Pass[],
): Lower {
  return (params, words) => {
    for (const name of names) if (params[name] === undefined) throw new TypeError(`parameter ${name} is missing`);
    const built = build(params as Readonly<Record<Name, number>>, words);
    return "passes" in built ? built : { passes: built };
  };
}

export const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);

/** A number as the text of a float32. */
export function literal(value: number): string {
  if (Number.isNaN(value)) return "nan()";
  if (value === Number.POSITIVE_INFINITY) return "infinity()";
  if (value === Number.NEGATIVE_INFINITY) return "(0 - infinity())";
  return value < 0 ? `(0 - ${-value})` : `${value}`;
}

/** Whole numbers up to here are exact in float32. */
const EXACT = 2 ** 24;
/** Threads that WebGPU guarantees along y and z, for the groups of 8×8×1 that gpu.js makes. */
const MAX_Y = 65_535 * 8;
const MAX_Z = 65_535;

/** A thread for each cell of an array, and where in each dimension a thread is. */
export interface Cells {
  readonly output: Output;
  /** Statements that compute the index. */
  readonly head: string;
  /** The index in each dimension, as text. */
  readonly index: readonly string[];
}

/** One thread for each cell of a row-major array with these dims. */
export function cells(dims: readonly number[]): Cells {
  const n = product(dims);
  const [z, y, x] = [product(dims.slice(0, -2)), dims.at(-2) ?? 1, dims.at(-1) ?? 1];
  const fits = y <= MAX_Y && z <= MAX_Z;
  if (fits && dims.length > 1 && x >= 8 && (y >= 8 || n >= EXACT)) {
    const outer = split("this.thread.z", dims.slice(0, -2), "iz");
    const output: Output = dims.length === 2 ? [x, y] : [x, y, z];
    return { output, head: outer.head, index: [...outer.index, "this.thread.y", "this.thread.x"] };
  }
  if (n < EXACT || dims.length < 2) return { output: [n], ...split("this.thread.x", dims, "ix") };
  let at = dims.length - 1;
  while (at > 1 && product(dims.slice(at - 1)) < EXACT) at--;
  const [outer, inner] = [
    split("this.thread.y", dims.slice(0, at), "iy"),
    split("this.thread.x", dims.slice(at), "ix"),
  ];
  const output: Output = [product(dims.slice(at)), product(dims.slice(0, at))];
  return { output, head: `${outer.head}${inner.head}`, index: [...outer.index, ...inner.index] };
}

/** `flat` as an index over dims: variables named after `prefix`. */
export function split(flat: string, dims: readonly number[], prefix: string): Pick<Cells, "head" | "index"> {
  const inner = dims.findLastIndex((dim) => dim !== 1);
  const outer = dims.findIndex((dim) => dim !== 1);
  let head = "";
  let rest = flat;
  const index = dims.map(() => "0");
  for (let d = inner; d > outer; d--) {
    if (dims[d] === 1) continue;
    const [name, next] = [`${prefix}${d}`, `${prefix}Rest${d}`];
    head += `const ${next} = quotient(${rest}, ${dims[d]});\nconst ${name} = ${rest} - ${next} * ${dims[d]};\n`;
    index[d] = name;
    rest = next;
  }
  if (outer >= 0) index[outer] = rest;
  return { head, index };
}

/** Where `index` lies, with these strides and from `base` on. */
export function position(index: readonly string[], strides: readonly number[], base: number | string = 0): string {
  const terms = index.flatMap((at, d) => {
    const stride = strides[d] ?? 0;
    if (stride === 0 || at === "0") return [];
    return [stride === 1 ? whole(at) : `${whole(at)} * ${stride}`];
  });
  if (base !== 0) terms.push(`${base}`);
  return terms.length === 0 ? "0" : terms.join(" + ");
}

/**
 * Where a row of an array of `words` begins, as a variable (a float32, so only of smaller arrays; else as text): it is to
 * be worked out once, and not for every element.
 */
export function rowStart(
  name: string,
  words: number,
  index: readonly string[],
  strides: readonly number[],
): { readonly head: string; readonly at: (column: string) => string } {
  if (words > EXACT) return { head: "", at: (column) => `${position([...index, column], [...strides, 1])}` };
  const terms = index.flatMap((at, d) => (at === "0" ? [] : [`${at} * ${strides[d]}`]));
  const sum = [...terms, "0"].slice(0, Math.max(1, terms.length)).join(" + ");
  return { head: `const ${name} = ${sum};\n`, at: (column) => `${name} + ${column}` };
}

/** A value as a whole number: exact up to 2³¹ in one expression. */
export const whole = (value: string): string =>
  value.startsWith("this.thread.") || /^\d+$/.test(value) ? value : `(${value} | 0)`;

/** Row-major strides over dims. */
export const contiguous = (dims: readonly number[]): number[] => dims.map((_, d) => product(dims.slice(d + 1)));

/** Statements that put `Σ term(i)` for i below `length` into the variable `sum`. */
export const sumLoop = (length: number, term: (i: string) => string): string => sumLoops(length, ["sum"], term);

/**
 * The same for several sums at once; `prepare` are statements before the terms. Sums are taken in parts of 1024, so that
 * rounding errors stay small.
 */
export function sumLoops(
  length: number,
  sums: readonly string[],
  term: (i: string, lane: number) => string,
  prepare: (i: string) => string = () => "",
): string {
  const each = (text: (sum: string, lane: number) => string) =>
    sums.map((sum, lane) => `${text(sum, lane)}\n`).join("");
  const part = (prefix: string, counter: string, count: number, base: number | string) => {
    const at = base === 0 ? counter : `(${base} + ${counter})`;
    const terms = each((sum, lane) => `${prefix}${sum} += ${term(at, lane)};`);
    const loop = `for (let ${counter} = 0; ${counter} < ${count}; ${counter}++) {\n${prepare(at)}${terms}}\n`;
    return each((sum) => `let ${prefix}${sum} = 0;`) + loop + each((sum) => `${sum} += ${prefix}${sum};`);
  };
  const parts = Math.floor(length / PART);
  const rest = length - parts * PART;
  const whole = `for (let p = 0; p < ${parts}; p++) {\n${part("part_", "i", PART, `p * ${PART}`)}}\n`;
  const start = each((sum) => `let ${sum} = 0;`);
  return start + (parts > 0 ? whole : "") + (rest > 0 ? part("rest_", "r", rest, parts * PART) : "");
}

/** How many numbers are summed before a sum goes to another. */
const PART = 1024;
