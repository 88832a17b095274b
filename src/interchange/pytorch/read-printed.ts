/** What `print(model)` shows of an `nn.Sequential` → layers, or which lines can't become one. */
import { nearest } from "../../data/nearest-name.ts";
import { layers as definitions } from "../../engine/definitions.ts";
import { MAX_DEPTH } from "../../spec/check-layers.ts";
import { ImportError, type ImportedArchitecture, type ImportMistake } from "../import-error.ts";
import { readPythonCall } from "../python/read-call.ts";

interface Line {
  readonly number: number;
  readonly text: string;
}

/** `  (0): Linear(in_features=2, out_features=8, bias=True)`; a module with others inside ends in `(`. */
const MODULE = /^\(([^)]+)\): (\w+)\((.*)$/;

export function readPrinted(text: string): ImportedArchitecture {
  const lines = text
    .split(/\r?\n/)
    .map((line, i): Line => ({ number: i + 1, text: line.trim() }))
    .filter((line) => line.text !== "");
  const { prefix, inside } = unwrapped(lines);
  const [first, ...rest] = inside;
  const mistakes: ImportMistake[] = [];
  if (!first || !/^Sequential\($/.test(first.text)) {
    const found = first ? `, got ${JSON.stringify(first.text.slice(0, 60))}` : "";
    throw new ImportError([
      {
        path: `line ${first?.number ?? 1}`,
        message: `expects "Sequential(", as print(nn.Sequential(…)) begins${found}. Of other modules the print does not say in which order they are used`,
      },
    ]);
  }
  const reader = new Reader(rest, mistakes);
  const layers = reader.layers(prefix, "");
  if (mistakes.length > 0) throw new ImportError(mistakes);
  return { layers, inputShape: null, rename: reader.rename };
}

/** What DataParallel and torch.compile put around a model: the names of its weights begin with that. */
function unwrapped(lines: readonly Line[], prefix = ""): { prefix: string; inside: readonly Line[] } {
  const [outer, inner, ...rest] = lines;
  const [, name, text] = /^\((module|_orig_mod)\): (.*)$/.exec(inner?.text ?? "") ?? [];
  if (!inner || name === undefined || text === undefined || !WRAPPER.test(outer?.text ?? ""))
    return { prefix, inside: lines };
  return unwrapped([{ ...inner, text }, ...rest], `${prefix}${name}.`);
}

const WRAPPER = /^(DataParallel|DistributedDataParallel|OptimizedModule)\($/;

class Reader {
  readonly rename: Record<string, string> = {};
  readonly #lines: readonly Line[];
  readonly #mistakes: ImportMistake[];
  #at = 0;

  constructor(lines: readonly Line[], mistakes: ImportMistake[]) {
    this.#lines = lines;
    this.#mistakes = mistakes;
  }

  /** Up to the line that closes it. `theirs` and `ours`: the names of what is around it. */
  layers(theirs: string, ours: string, depth = 1): Record<string, unknown>[] {
    const found: Record<string, unknown>[] = [];
    for (;;) {
      const line = this.#lines[this.#at];
      if (!line) {
        this.#mistakes.push({ path: "the end", message: 'expects ")", which closes Sequential(' });
        return found;
      }
      this.#at++;
      if (line.text === ")") return found;
      const layer = this.#layer(line, theirs, `${ours}${found.length}`, depth);
      // A place for what could not be read, so that later layers keep their numbers.
      found.push(layer ?? { type: "Identity" });
    }
  }

  #layer(line: Line, around: string, place: string, depth: number): Record<string, unknown> | null {
    const [, name = "", type = "", rest = ""] = MODULE.exec(line.text) ?? [];
    if (type === "")
      return this.#refuse(line, `expects a layer such as "(0): ReLU()", got ${JSON.stringify(line.text.slice(0, 60))}`);
    const theirs = `${around}${name}`;
    const holds = !rest.endsWith(")");
    if (type === "Sequential" && holds && depth === MAX_DEPTH) {
      this.#skipInner();
      return this.#refuse(line, `is nested more than ${MAX_DEPTH} deep`);
    }
    if (type === "Sequential" && (holds || rest === ")")) {
      return { type, layers: holds ? this.layers(`${theirs}.`, `${place}.`, depth + 1) : [] };
    }
    if (holds) {
      this.#skipInner();
      return this.#refuse(
        line,
        `${type} holds other layers, and its print does not say how they are used. ${definitions.has(type) ? "Write it by hand, with its arguments" : "Only Sequential may hold layers"}`,
      );
    }
    return this.#plain(line, type, rest.slice(0, -1), theirs, place);
  }

  #plain(line: Line, printed: string, text: string, theirs: string, place: string): Record<string, unknown> | null {
    const type = printed.replace(/^Lazy/, "");
    const definition = definitions.get(type);
    if (!definition) return this.#refuse(line, `there is no layer ${printed}${nearest(type, definitions.keys())}`);
    const call = readPythonCall(text);
    if (typeof call === "string") return this.#refuse(line, `${type}: ${call}`);
    const names = Object.keys(definition.args.shape);
    if (call.positional.length > names.length)
      return this.#refuse(line, `${type} takes at most ${names.length} arguments`);
    const { batch_first, device: _, dtype: __, ...named } = call.named;
    if (["RNN", "LSTM", "GRU", "MultiheadAttention"].includes(type) && batch_first !== true) {
      return this.#refuse(line, `${type} takes samples first here: batch_first=True`);
    }
    const given: Record<string, unknown> = {
      ...Object.fromEntries(call.positional.map((value, i) => [names[i], value])),
      ...named,
    };
    // 0 stands there until the first input says how large it is.
    if (type !== printed && names[0] !== undefined) delete given[names[0]];
    const parsed = definition.args.safeParse(given);
    if (parsed.success) {
      const weights = { ...definition.parameters(parsed.data), ...definition.buffers(parsed.data) };
      if (theirs !== place && Object.keys(weights).length > 0) this.rename[theirs] = place;
      return { type, ...given };
    }
    for (const { path, message } of parsed.error.issues) {
      this.#refuse(line, `${type}: ${path.length > 0 ? `${path.join(".")}: ` : ""}${message}`);
    }
    return null;
  }

  /** To behind the line that closes what was opened. */
  #skipInner(): void {
    for (let depth = 1; depth > 0 && this.#at < this.#lines.length; this.#at++) {
      const text = this.#lines[this.#at]?.text ?? "";
      if (text === ")") depth--;
      else if (text.endsWith("(")) depth++;
    }
  }

  #refuse({ number }: Line, message: string): null {
    this.#mistakes.push({ path: `line ${number}`, message });
    return null;
  }
}
