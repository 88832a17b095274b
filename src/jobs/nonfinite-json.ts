/** JSON for numbers that JSON has no word for: `{ loss: NaN }` → `{"loss":null,"nonfinite":"nan"}`. */

/** As JSON.stringify; an object with a number that is not finite names the first such number beside it. */
export function stringifyFigures(value: unknown): string {
  return JSON.stringify(isFiniteThroughout(value) ? value : encode(value));
}

/** Nearly always: then nothing needs to be copied. */
function isFiniteThroughout(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isFiniteThroughout);
}

function encode(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const odd = entries.find(([, field]) => typeof field === "number" && !Number.isFinite(field));
  const encoded = Object.fromEntries(entries.map(([key, field]) => [key, encode(field)]));
  return odd ? { ...encoded, nonfinite: nameOf(Number(odd[1])) } : encoded;
}

export function nameOf(value: number): "nan" | "inf" | "-inf" {
  if (Number.isNaN(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}
