/** Python as text: values as literals, and the classes and functions of a file, of which a written file takes those it needs. */
import { readFileSync } from "node:fs";

/** A value of JSON (and what of numbers JSON has not) in Python's words; lists become tuples, which classes take throughout. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number")
    return Number.isFinite(value)
      ? numberLiteral(value)
      : `float("${value < 0 ? "-" : ""}${Number.isNaN(value) ? "nan" : "inf"}")`;
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `(${value.map(literal).join(", ")}${value.length === 1 ? "," : ""})`;
  const entries = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${literal(each)}`);
  return `{${entries.join(", ")}}`;
}

/** Text between three quotes, on one line: what could end it, or mean something else in it, is escaped as in a literal. */
export const docstring = (text: string): string => `"""${JSON.stringify(text).slice(1, -1)}"""`;

/** JavaScript writes 1e+21, and so does Python read it. */
const numberLiteral = (value: number): string => String(value);

/** A call, on several lines where one would be too long. */
export function call(name: string, parts: readonly string[], indent = ""): string {
  const line = `${name}(${parts.join(", ")})`;
  if (indent.length + line.length <= 110 && !line.includes("\n")) return line;
  return `${name}(\n${parts.map((part) => `${indent}    ${part},`).join("\n")}\n${indent})`;
}

/** The classes and functions that stand at the left edge of a Python file. */
export class PythonParts {
  readonly #parts: ReadonlyMap<string, string>;

  constructor(file: URL) {
    const [, ...blocks] = readFileSync(file, "utf8")
      .trimEnd()
      .split(/\n\n\n(?=class |def )/);
    this.#parts = new Map(blocks.map((block) => [/^(?:class|def) (\w+)/.exec(block)?.[1] ?? "", block]));
  }

  has(name: string): boolean {
    return this.#parts.has(name);
  }

  /** Those that are named and all that they use, in the file's order. */
  take(names: Iterable<string>): string[] {
    const taken = new Set<string>();
    const add = (name: string): void => {
      const text = this.#parts.get(name);
      if (text === undefined || taken.has(name)) return;
      taken.add(name);
      // `nn.RNN` is PyTorch's, not one of these.
      for (const [, used = ""] of text.matchAll(/(?<![.\w])(\w+)/g)) add(used);
    };
    for (const name of names) add(name);
    return [...this.#parts].flatMap(([name, text]) => (taken.has(name) ? [text] : []));
  }
}
