/** What nobody should send: values that break programs, and small harm done to what was right. */
import fc from "fast-check";

const NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "length",
  "",
  " ",
  "id",
  "type",
];

const TEXTS = [
  ...NAMES,
  "../../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "job_01m84y84rd18ggayvr21wynq7z",
  "ds_01m84y84dnva4mtwrq4ahxhsv1",
  "null",
  "NaN",
  "-Infinity",
  "1e999",
  "0x10",
  "<script>alert(1)</script>",
  "'; DROP TABLE jobs; --",
  "*",
  "{}:keys",
  "{epochd}:jobs",
  "\u0000",
  "a\u0000b",
  "\r\nset-cookie: a=b",
  "\ud800",
  "\u202e\ufeff\u2028",
  "🦄".repeat(50),
  "x".repeat(5000),
  "http://169.254.169.254/latest/meta-data",
  "http://[::1]:6379/",
  "file:///etc/passwd",
];

const NUMBERS = [0, -0, -1, 1.5, 1e-320, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21, 1e300, 0.1];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({ unit: "grapheme", maxLength: 30 }),
);

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(...NUMBERS, null, true, false),
  fc
    .constantFrom<() => unknown>(
      () => [],
      () => ({}),
      () => [[]],
      () => [null],
      () => deep(30),
      () => deep(70),
      () => JSON.parse('{"__proto__": {"polluted": true}}'),
      () => ({ constructor: { prototype: { polluted: true } } }),
      () => Array.from({ length: 3000 }, (_, i) => i),
      () => Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])),
    )
    .map((make) => make()),
);

/** Any JSON, most of it of a kind that tests forget. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  { weight: 1, arbitrary: fc.array(leaf, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.dictionary(hostileText, leaf, { maxKeys: 4 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

function deep(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { layers: value };
  return value;
}

/** The same but for one place, where something is missing, wrong, or too much. */
export function harmed(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.nat(), fc.constantFrom("replace", "remove", "add", "double"), leaf, hostileText)
    .map(([value, where, how, other, name]) => {
      const places = placesIn(value);
      const place = places[where % Math.max(1, places.length)];
      return place === undefined ? other : changed(value, place, how, other, name);
    });
}

type Place = readonly (string | number)[];

function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [at];
  const inside = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [at, ...inside.slice(0, 50).flatMap((key) => placesIn(Reflect.get(value, key), [...at, key]))];
}

function changed(value: unknown, [key, ...rest]: Place, how: string, other: unknown, name: string): unknown {
  if (key === undefined) {
    if (how === "add" && Array.isArray(value)) return [...value, other];
    if (how === "add" && typeof value === "object" && value !== null) return withField(value, name, other);
    return how === "double" ? [value, value] : other;
  }
  if (typeof value !== "object" || value === null) return other;
  const inner = changed(Reflect.get(value, key), rest, how, other, name);
  if (Array.isArray(value)) {
    if (how === "remove" && rest.length === 0) return value.filter((_, i) => i !== key);
    return value.map((one, i) => (i === key ? inner : one));
  }
  if (how === "remove" && rest.length === 0)
    return Object.fromEntries(Object.entries(value).filter(([own]) => own !== key));
  return withField(value, String(key), inner);
}

/** Also where the name is `__proto__`, which an assignment would take for something else. */
const withField = (value: object, name: string, field: unknown): object =>
  Object.fromEntries([...Object.entries(value), [name, field]]);
