/** The arguments of a call as Python prints them: `4, kernel_size=(3, 3), bias=False, padding_mode=circular`. */

export interface PythonCall {
  readonly positional: readonly unknown[];
  readonly named: Readonly<Record<string, unknown>>;
}

/** Or a sentence that says what can't be read. */
export function readPythonCall(text: string): PythonCall | string {
  const positional: unknown[] = [];
  const named: Record<string, unknown> = {};
  for (const part of splitAtCommas(text)) {
    const [, name, given = part] = /^(\w+)=(.*)$/s.exec(part) ?? [];
    const value = readValue(given.trim());
    if (value === undefined) return `${JSON.stringify(given.trim().slice(0, 40))} can't be read`;
    if (name === undefined) positional.push(value);
    else named[name] = value;
  }
  return { positional, named };
}

const WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

/** Undefined for what is no number, text, truth or tuple of those. Words without quotes are text: PyTorch prints them so. */
function readValue(text: string, depth = 0): unknown {
  if (Object.hasOwn(WORDS, text)) return WORDS[text];
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  const quoted = /^(['"])([^'"\\]*)\1$/.exec(text);
  if (quoted) return quoted[2];
  if (/^[a-z_]\w*$/i.test(text)) return text;
  const list = /^[([](.*)[)\]]$/s.exec(text)?.[1];
  if (list === undefined || depth === MOST_DEPTH) return undefined;
  const values = splitAtCommas(list).map((part) => readValue(part, depth + 1));
  return values.includes(undefined) ? undefined : values;
}

/** Tuples in tuples: deeper than any argument. */
const MOST_DEPTH = 8;

function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (let i = 0; i <= text.length; i++) {
    const character = text[i];
    if (character === "(" || character === "[") depth++;
    else if (character === ")" || character === "]") depth--;
    else if (i === text.length || (character === "," && depth === 0)) {
      const part = text.slice(from, i).trim();
      if (part !== "") parts.push(part);
      from = i + 1;
    }
  }
  return parts;
}
