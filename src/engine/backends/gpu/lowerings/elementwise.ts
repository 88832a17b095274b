/** One thread for each element: functions of one, two or three arrays. */
import type { InstructionName } from "../../../instructions.ts";
import { MAX_RANK } from "../../../instructions.ts";
import type { Lower } from "../lowering.ts";
import { cells, literal, lowering, operand, pass, position, product } from "./kernel-source.ts";

/** out[i] = expression in x */
const unary = (expression: string): Lower =>
  lowering(["n"], ({ n }) => [
    pass({
      output: [n],
      reads: { of: operand(1) },
      writes: operand(0),
      body: `const x = of[this.thread.x];\nreturn ${expression};`,
    }),
  ]);

type Family = readonly [name: string, prefix: string];

/** The parameters d0…, a0… of an instruction over up to six dimensions. */
const names = (prefix: string): string[] => Array.from({ length: MAX_RANK }, (_, i) => `${prefix}${i}`);

/** out = statements over broadcast operands. */
const broadcast = (families: readonly Family[], statements: string): Lower =>
  lowering(["rank", ...["d", ...families.map(([, prefix]) => prefix)].flatMap(names)], (params) => {
    const dimsOf = (prefix: string) =>
      names(prefix)
        .slice(0, params["rank"])
        .map((name) => params[name] ?? 0);
    const dims = dimsOf("d");
    if (product(dims) === 0) return [];
    const { output, head, index } = cells(dims);
    const values = families.map(([name, prefix]) => `const ${name} = ${name}Of[${position(index, dimsOf(prefix))}];`);
    return [
      pass({
        output,
        reads: Object.fromEntries(families.map(([name], i) => [`${name}Of`, operand(1 + i)])),
        writes: operand(0),
        body: `${head}${values.join("\n")}\n${statements}`,
      }),
    ];
  });

const pair: readonly Family[] = [
  ["a", "a"],
  ["b", "b"],
];
const binary = (expression: string): Lower => broadcast(pair, `return ${expression};`);

/** `chosen` where a and b compare; their sum, which is NaN, where they do not. */
const extremum = (first: string, second: string): Lower =>
  broadcast(pair, `if (a ${first} b) { return a; }\nif (a ${second} b) { return b; }\nreturn a + b;`);

export const elementwise = {
  fill: lowering(["n", "value"], ({ n, value }) => [
    pass({ output: [n], writes: operand(0), body: `return ${literal(Math.fround(value))};` }),
  ]),
  copy: unary("x"),
  toFloat: unary("x"),
  // A float64 is the two words that add up to it.
  toSingle: unary("of[2 * this.thread.x] + of[2 * this.thread.x + 1]"),
  toInt: unary("x < 0 ? 0 - Math.floor(0 - x) : Math.floor(x)"),

  neg: unary("0 - x"),
  abs: unary("Math.abs(x)"),
  sign: unary("x > 0 ? 1 : (x < 0 ? 0 - 1 : 0)"),
  exp: unary("exponential(x)"),
  expm1: unary("exponentialM1(x)"),
  log: unary("logarithm(x)"),
  log1p: unary("logarithm1p(x)"),
  sqrt: unary("x < 0 ? nan() : Math.sqrt(x)"),
  rsqrt: unary("x < 0 ? nan() : 1 / Math.sqrt(x)"),
  reciprocal: unary("1 / x"),
  square: unary("x * x"),
  sin: unary("wave(x, 3)"),
  cos: unary("wave(x, 0)"),
  floor: unary("Math.floor(x)"),
  tanh: unary("hyperbolic(x)"),
  sigmoid: unary("sigmoid(x)"),
  erf: unary("errorFunction(x)"),
  relu: unary("x < 0 ? 0 : x"),

  add: binary("a + b"),
  sub: binary("a - b"),
  mul: binary("a * b"),
  div: binary("a / b"),
  pow: binary("power(a, b)"),
  maximum: extremum(">=", "<"),
  minimum: extremum("<=", ">"),
  eq: binary("a === b ? 1 : 0"),
  // Not `a !== b`, which is false for NaN on a GPU.
  ne: binary("a === b ? 0 : 1"),
  lt: binary("a < b ? 1 : 0"),
  le: binary("a <= b ? 1 : 0"),
  gt: binary("a > b ? 1 : 0"),
  ge: binary("a >= b ? 1 : 0"),
  reluBackward: binary("b <= 0 ? 0 : a"),
  sigmoidBackward: binary("a * b * (1 - b)"),
  tanhBackward: binary("a * (1 - b * b)"),
  where: broadcast(
    [
      ["condition", "c"],
      ["a", "a"],
      ["b", "b"],
    ],
    "return condition === 0 ? b : a;",
  ),
} satisfies Partial<Record<InstructionName, Lower>>;
