/**
 * Says where a text stops being JSON and why. V8's own message leaves the place out for the commonest slips
 * (`NaN`, a quote of the wrong kind), so the text is walked once more, on the error path alone.
 */

export interface JsonMistake {
  line: number;
  column: number;
  message: string;
}

type Expectation = "value" | "value or ]" | "name" | "name or }" | "separator" | "end";

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside a string.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /[A-Za-z_$][\w$]*/y;

/** The first mistake, or null when the text is JSON after all. */
export function findJsonMistake(text: string): JsonMistake | null {
  let at = 0;
  const open: ("[" | "{")[] = [];
  let expects: Expectation = "value";

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const skip = () => {
    at += match(WHITESPACE)?.length ?? 0;
  };
  const fail = (message: string): JsonMistake => ({ ...placeOf(text, at), message });
  const afterValue = (): Expectation => (open.length === 0 ? "end" : "separator");
  const string = (): JsonMistake | null => {
    const found = match(STRING);
    if (found === null) return fail(stringMistake(text, at));
    at += found.length;
    return null;
  };

  for (;;) {
    skip();
    const char = text[at];
    if (expects === "end") return char === undefined ? null : fail(`${shown(char)} after the end of the document`);
    if (char === undefined) return fail(unfinished(open));

    if (expects === "separator") {
      const inside = open.at(-1);
      if (char === ",") {
        at++;
        expects = inside === "{" ? "name" : "value";
      } else if ((inside === "{" && char === "}") || (inside === "[" && char === "]")) {
        at++;
        open.pop();
        expects = afterValue();
      } else return fail(`expected "," or "${inside === "{" ? "}" : "]"}", found ${shown(char)}`);
    } else if (expects === "name" || expects === "name or }") {
      if (char === "}" && expects === "name or }") {
        at++;
        open.pop();
        expects = afterValue();
        continue;
      }
      if (char === "}") return fail('a comma before "}" with nothing behind it; remove the comma');
      if (char !== '"') return fail(`expected a field name in double quotes, found ${shown(char)}`);
      const mistake = string();
      if (mistake) return mistake;
      skip();
      if (text[at] !== ":") return fail(`expected ":" after the field name, found ${shown(text[at])}`);
      at++;
      expects = "value";
    } else {
      if (char === "]" && expects === "value or ]") {
        at++;
        open.pop();
        expects = afterValue();
      } else if (char === "]" && open.at(-1) === "[") {
        return fail('a comma before "]" with nothing behind it; remove the comma');
      } else if (char === "[" || char === "{") {
        at++;
        open.push(char);
        expects = char === "[" ? "value or ]" : "name or }";
      } else if (char === '"') {
        const mistake = string();
        if (mistake) return mistake;
        expects = afterValue();
      } else {
        const scalar = match(NUMBER) ?? keyword(match(WORD));
        if (scalar === null) return fail(valueMistake(char, match(WORD)));
        at += scalar.length;
        expects = afterValue();
      }
    }
  }
}

function keyword(word: string | null): string | null {
  return word === "true" || word === "false" || word === "null" ? word : null;
}

function valueMistake(char: string, word: string | null): string {
  if (word === "NaN" || word === "Infinity") return `${word} is no JSON value; write null, or leave the number out`;
  if (word === "True" || word === "False" || word === "None")
    return `${word} is Python's; JSON writes ${{ True: "true", False: "false", None: "null" }[word]}`;
  if (char === "'") return "a quote ' where JSON wants \"";
  return `expected a value, found ${word === null ? shown(char) : JSON.stringify(word)}`;
}

function stringMistake(text: string, start: number): string {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) break;
    if (code < 0x20) return "a line break or control character inside this string; write \\n and the like";
    if (code === 0x5c) {
      if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(i + 1, i + 6)))
        return `the escape ${JSON.stringify(text.slice(i, i + 2))} inside this string is unknown to JSON`;
      i++;
    }
  }
  return "this string never ends";
}

function unfinished(open: readonly ("[" | "{")[]): string {
  const inside = open.at(-1);
  if (inside === undefined) return "the document ends before a value";
  return `the document ends with ${open.length} bracket${open.length === 1 ? "" : "s"} still open; the innermost is "${inside}"`;
}

function shown(char: string | undefined): string {
  if (char === undefined) return "the end of the document";
  if (char === "\uFEFF") return "a byte order mark";
  return JSON.stringify(char);
}

function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: at - lineStart + 1 };
}
