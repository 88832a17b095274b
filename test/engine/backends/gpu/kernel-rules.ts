/** The house rules of generated kernels, which keep gpu.js and GPUs from doing something else than is written. */
import { MAX_READS, type Pass } from "../../../../src/engine/backends/gpu/lowering.ts";

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/\b(while|do|continue|switch)\b/, "gpu.js cuts or skips such loops"],
  [/=>|\?\.|\?\?|\.\.\.|`|"|'/, "gpu.js does not know this syntax"],
  [/\b(Infinity|NaN|undefined|null)\b/, "these do not exist on a GPU: use infinity() and nan()"],
  [/!==|!=|(?<![=!])==(?!=)/, "a comparison that is not what it says for NaN"],
  [/\*\*|%|>>>=|<<=/, "GPUs differ in these"],
  [/Math\.(?!(abs|floor|sqrt|exp|log)\b)\w+/, "GPUs differ in this function, or lack it"],
  [/(?<!\bfor \([^)]*)(\+\+|--)/, "WGSL counts only whole numbers so: write += 1"],
  [/-\s+-/, "gpu.js may glue two minus signs: write 0 - x"],
  [/\[[^\][]*\/[^\][]*\]/, "an index that is divided: use quotient"],
  [/\bvar\b/, "a variable of the whole function"],
];

const CALLS = /(?<![.\w])([A-Za-z]\w*)\(/g;
const KEYWORDS = new Set(["for", "if", "function", "return"]);
const LOOP = /\bfor \(/g;
const LITERAL_LOOP = /\bfor \(let (\w+) = \d+; \1 < \d+; \1\+\+\)/g;
/** Threads along y and z that any WebGPU device can be asked for, in groups of 8 × 8. */
const MOST = [Number.POSITIVE_INFINITY, 65_535 * 8, 65_535] as const;

/** What is wrong with a pass; nothing, it is hoped. */
export function broken(pass: Pass): string[] {
  const { source, functions = [], reads, output } = pass;
  const found = [source, ...functions.map((helper) => helper.source)].flatMap((text) => brokenIn(text));
  const known = new Set(functions.map((helper) => nameOf(helper.source)));
  for (const text of [source, ...functions.map((helper) => helper.source)]) {
    for (const [, name = ""] of text.matchAll(CALLS)) {
      if (!KEYWORDS.has(name) && name !== nameOf(text) && !known.has(name))
        found.push(`it calls ${name}, which it does not have`);
    }
  }
  if (/Math\.(exp|log)\b/.test(source)) found.push("GPUs lose NaN in exp and log: use exponential() and logarithm()");
  const names = parametersOf(source);
  if (names.length !== reads.length) found.push(`it has ${names.length} parameters and reads ${reads.length} buffers`);
  if (reads.length > MAX_READS) found.push(`it reads ${reads.length} buffers, and WebGPU allows ${MAX_READS}`);
  for (const name of names) {
    if (!/^[A-Za-z]\w*$/.test(name) || name.includes("_")) found.push(`gpu.js renames the parameter ${name}`);
    if (!new RegExp(`\\b${name}\\[`).test(source)) found.push(`it never reads ${name}`);
  }
  output.forEach((size, axis) => {
    if (!Number.isInteger(size) || size < 0 || size > MOST[axis]!)
      found.push(`it has ${size} threads along axis ${axis}`);
  });
  return [...new Set(found)];
}

function brokenIn(source: string): string[] {
  const found = forbidden
    .filter(([pattern]) => pattern.test(source))
    .map(([pattern, why]) => `${source.match(pattern)?.[0]}: ${why}`);
  const literal = source.match(LITERAL_LOOP)?.length ?? 0;
  if ((source.match(LOOP)?.length ?? 0) !== literal) found.push("a loop does not run between literals");
  return [...found, ...shadowed(source)];
}

/** Names that mean two things in one place: gpu.js mixes them up. */
function shadowed(source: string): string[] {
  const scopes: Set<string>[] = [new Set(parametersOf(source))];
  let pending: string[] = [];
  const found: string[] = [];
  for (const [token, kind, name = ""] of source.matchAll(/[{}]|\b(const|let|for \(let) (\w+)/g)) {
    if (token === "{") scopes.push(new Set(pending.splice(0)));
    else if (token === "}") scopes.pop();
    else {
      if (scopes.some((scope) => scope.has(name))) found.push(`${name} is declared twice`);
      if (kind === "for (let") pending = [name];
      else scopes.at(-1)?.add(name);
    }
  }
  return found;
}

const nameOf = (source: string): string => source.match(/^function (\w+)/)?.[1] ?? "";
const parametersOf = (source: string): string[] =>
  (source.match(/^function \w*\s*\(([^)]*)\)/)?.[1] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
