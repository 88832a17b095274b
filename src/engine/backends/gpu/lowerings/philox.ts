/** Philox4x32-10 on whole numbers of 32 bits, as functions that gpu.js translates. */
import type { HelperFunction } from "../lowering.ts";

const ROUNDS = 10;

const integers = (source: string, count: number): HelperFunction => ({
  source,
  argumentTypes: Array.from({ length: count }, () => "Integer" as const),
  returnType: "Integer",
});

/** The rounds: each calls the next, as no local variable can hold 32 bits. */
const rounds = Object.fromEntries(
  Array.from({ length: ROUNDS + 1 }, (_, round) => {
    const next =
      `philox${round + 1}(mulHigh(c2, ${0xcd9e8d57 | 0}) ^ c1 ^ k0, c2 * ${0xcd9e8d57 | 0}, ` +
      `mulHigh(c0, ${0xd2511f53 | 0}) ^ c3 ^ k1, c0 * ${0xd2511f53 | 0}, k0 + ${0x9e3779b9 | 0}, k1 + ${0xbb67ae85 | 0}, lane)`;
    const last = "lane === 0 ? c0 : (lane === 1 ? c1 : (lane === 2 ? c2 : c3))";
    const source = `function philox${round}(c0, c1, c2, c3, k0, k1, lane) { return ${round < ROUNDS ? next : last}; }`;
    return [`philox${round}`, integers(source, 7)];
  }),
);

export const philox: Readonly<Record<string, HelperFunction>> = {
  ...rounds,
  /** Upper half of the product of two unsigned 32-bit numbers, from four products of 16-bit halves. */
  mulHigh: integers("function mulHigh(a, b) { return mulHigh1(a & 65535, a >>> 16, b & 65535, b >>> 16); }", 2),
  mulHigh1: integers(
    "function mulHigh1(al, ah, bl, bh) { return mulHigh2(al, ah, bh, (ah * bl) + ((al * bl) >>> 16)); }",
    4,
  ),
  mulHigh2: integers(
    "function mulHigh2(al, ah, bh, u) { return ((ah * bh) + (u >>> 16)) + (((al * bh) + (u & 65535)) >>> 16); }",
    4,
  ),
  wordOf: integers("function wordOf(low, high) { return low | (high << 16); }", 2),
};
