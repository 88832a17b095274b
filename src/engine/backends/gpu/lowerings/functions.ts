/**
 * Functions that kernels call: what WGSL lacks, or leaves to the GPU to get wrong.
 *
 * WGSL's own exp, log, tanh, sin, cos and pow may be off by thousands of units in the last place or lose NaNs, `max` and
 * `min` drop them, and no comparison is sure to notice one. So a value is asked whether it is finite by `Math.abs(x) <=
 * 3.4e38`, and the functions here keep NaN and infinity as C does.
 *
 * What differs from the CPU all the same: numbers below 2⁻¹²⁶ may be taken for 0; the sign of a zero may be lost; sin and
 * cos are NaN beyond ±10⁵, as no float64 is at hand to reduce such numbers; pow with exponents beyond ±128 is accurate to
 * about 10⁻⁵; whole numbers end at 2²⁴, and float64 at 48 bits.
 */
import type { HelperFunction } from "../lowering.ts";
import { philox } from "./philox.ts";

const FINITE = "Math.abs(x) <= 3.4e38";

/** Coefficients from the constant on, as nested multiplications and additions. */
const polynomial = (x: string, coefficients: readonly number[]): string =>
  coefficients.slice(0, -1).reduceRight((inner, c) => `(${text(c)} + ${x} * ${inner})`, text(coefficients.at(-1) ?? 0));

const text = (c: number): string => (c < 0 ? `(0 - ${-c})` : `${c}`);
const series = (count: number, term: (i: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => term(i));
const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

const numbers = (source: string, count: number): HelperFunction => ({
  source,
  argumentTypes: Array.from({ length: count }, () => "Number" as const),
  returnType: "Number",
});
const library: Readonly<Record<string, HelperFunction>> = {
  ...philox,
  /** ⌊i/d⌋ for whole numbers below 2²⁴, though the division may be rounded either way. */
  quotient: numbers(
    `function quotient(i, d) {
      const q = Math.floor((i + 0.5) / d);
      const r = i - q * d;
      return r < 0 ? q - 1 : (r >= d ? q + 1 : q);
    }`,
    2,
  ),
  remainder: numbers("function remainder(i, d) { return i - quotient(i, d) * d; }", 2),
  isNotANumber: numbers("function isNotANumber(x) { if (x <= 0) { return 0; } return x > 0 ? 0 : 1; }", 1),
  infinity: numbers("function infinity() { let v = 3e38; v = v * v; return v; }", 0),
  nan: numbers("function nan() { let v = 1; v = 0 - v; return Math.sqrt(v); }", 0),

  exponential: numbers(
    `function exponential(x) {
      if (x > 89) { return infinity(); }
      if (x < 0 - 104) { return 0; }
      if (${FINITE}) { return Math.exp(x); }
      return x;
    }`,
    1,
  ),
  /** 2·artanh(s) = log((1 + s)/(1 − s)), for |s| ≤ ⅓ */
  artanh2: numbers(
    `function artanh2(s) {
      const q = s * s;
      return s * ${polynomial(
        "q",
        series(8, (i) => 2 / (2 * i + 1)),
      )};
    }`,
    1,
  ),
  logarithm: numbers(
    `function logarithm(x) {
      if (x > 0.5) { if (x < 2) { return artanh2((x - 1) / (x + 1)); } }
      if (x > 0) { if (${FINITE}) { return Math.log(x); } return x; }
      if (x < 0) { return nan(); }
      if (Math.abs(x) <= 1) { return 0 - infinity(); }
      return x;
    }`,
    1,
  ),
  logarithm1p: numbers(
    `function logarithm1p(x) {
      if (x > 0 - 0.5) { if (x < 1) { return artanh2(x / (x + 2)); } }
      return logarithm(1 + x);
    }`,
    1,
  ),
  exponentialM1: numbers(
    `function exponentialM1(x) {
      if (Math.abs(x) < 0.5) { return x * ${polynomial(
        "x",
        series(9, (i) => 1 / factorial(i + 1)),
      )}; }
      return exponential(x) - 1;
    }`,
    1,
  ),
  hyperbolic: numbers(
    `function hyperbolic(x) {
      const a = Math.abs(x) > 20 ? 20 : Math.abs(x);
      const t = exponentialM1(2 * a);
      return x < 0 ? 0 - t / (t + 2) : t / (t + 2);
    }`,
    1,
  ),
  sigmoid: numbers(
    `function sigmoid(x) {
      const e = exponential(0 - Math.abs(x));
      return x < 0 ? e / (1 + e) : 1 / (1 + e);
    }`,
    1,
  ),
  /** cos (quarter 0) or sin (quarter 3) of r + quarter·π/2, |r| ≤ π/4 */
  circular: numbers(
    `function circular(r, quarter) {
      const q = r * r;
      const c = ${polynomial(
        "q",
        series(6, (i) => (-1) ** i / factorial(2 * i)),
      )};
      const s = r * ${polynomial(
        "q",
        series(6, (i) => (-1) ** i / factorial(2 * i + 1)),
      )};
      const k = quarter - 4 * Math.floor(quarter * 0.25);
      if (k < 0.5) { return c; }
      if (k < 1.5) { return 0 - s; }
      if (k < 2.5) { return 0 - c; }
      return s;
    }`,
    2,
  ),
  /** cos(2π·turns) or, with shift 3, sin(2π·turns), for turns in [0, 1) */
  turn: numbers(
    `function turn(turns, shift) {
      const k = Math.floor(turns * 4 + 0.5);
      return circular((turns * 4 - k) * ${Math.PI / 2}, k + shift);
    }`,
    2,
  ),
  /** cos(x) or, with shift 3, sin(x): π/2 in three parts, of which the first two make exact products */
  wave: numbers(
    `function wave(x, shift) {
      if (Math.abs(x) < 1e5) {
        const k = Math.floor(x * ${2 / Math.PI} + 0.5);
        const r = (x - k * 1.5703125) - k * 0.0004837512969970703;
        return circular(r - k * 7.549789954891882e-8, k + shift);
      }
      return nan();
    }`,
    2,
  ),
  /** Series below 1, beyond it formula 7.1.26 of Abramowitz and Stegun */
  errorFunction: numbers(
    `function errorFunction(x) {
      const a = Math.abs(x);
      if (a < 1) {
        const q = x * x;
        return x * ${polynomial(
          "q",
          series(11, (i) => ((2 / Math.sqrt(Math.PI)) * (-1) ** i) / (factorial(i) * (2 * i + 1))),
        )};
      }
      if (a > 4) { return x > 0 ? 1 : 0 - 1; }
      if (${FINITE}) {
        const t = 1 / (1 + 0.3275911 * a);
        const p = t * ${polynomial("t", [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429])};
        const e = 1 - p * Math.exp(0 - a * a);
        return x < 0 ? 0 - e : e;
      }
      return x;
    }`,
    1,
  ),
  /** bᵉ for b ≥ 0, e ≥ 0: whole powers by squaring, the rest by logarithm */
  positivePower: numbers(
    `function positivePower(b, e) {
      const whole = Math.floor(e);
      if (whole > 128) { return exponential(e * logarithm(b)); }
      let result = e > whole ? exponential((e - whole) * logarithm(b)) : 1;
      let square = b;
      let rest = whole;
      for (let i = 0; i < 8; i++) {
        const half = Math.floor(rest * 0.5);
        if (rest > half * 2) { result = result * square; }
        square = square * square;
        rest = half;
      }
      return result;
    }`,
    2,
  ),
  power: numbers(
    `function power(b, e) {
      const a = Math.abs(b);
      if (e === 0) { return 1; }
      if (b === 1) { return 1; }
      if (Math.abs(e) > 3.4e38) {
        if (a === 1) { return 1; }
        if (a > 1) { return e > 0 ? infinity() : 0; }
        if (a < 1) { return e > 0 ? 0 : infinity(); }
        return b;
      }
      if (Math.abs(e) <= 3.4e38) { } else { return e; }
      let size = positivePower(a, Math.abs(e));
      if (e < 0) { size = size > 1e-30 ? 1 / size : positivePower(1 / a, 0 - e); }
      if (b < 0) {
        const half = Math.floor(Math.abs(e) * 0.5);
        const rest = Math.abs(e) - half * 2;
        if (rest === 0) { return size; }
        if (rest === 1) { return 0 - size; }
        return a > 3.4e38 ? size : nan();
      }
      return size;
    }`,
    2,
  ),

  /**
   * RAdam's rectification of step t, 0 where the variance is not yet to be had; `rest` is 1 − β₂. The length of the average,
   * 2/rest − 1 − 2tβ₂ᵗ/(1 − β₂ᵗ), is a small difference of large numbers at first, so a series takes its place.
   */
  radamRectified: numbers(
    `function radamRectified(rest, t) {
      const decay = 0 - logarithm1p(0 - rest);
      const u = t * decay;
      const longest = 2 / rest - 1;
      let size = longest - 2 * t * Math.exp(0 - u) / (0 - exponentialM1(0 - u));
      if (u < 1) {
        const q = u * u;
        const early = t * (1 + u * (0 - ${1 / 6} + q * (${1 / 360} + q * (0 - ${1 / 15120} + q * ${1 / 604800}))));
        size = early + rest * (${1 / 6} + rest * (${1 / 12} + rest * ${19 / 360}));
      }
      if (size > 5) {
        return Math.sqrt(((size - 4) / (longest - 4)) * ((size - 2) / (longest - 2)) * (longest / size));
      }
      return 0;
    }`,
    2,
  ),
};

/** The functions that a source calls, and those that they call. */
export function functionsIn(source: string): HelperFunction[] {
  const found = new Set<string>();
  const visit = (text: string): void => {
    for (const [, name = ""] of text.matchAll(/\b([A-Za-z]\w*)\(/g)) {
      const helper = library[name];
      if (!helper || found.has(name)) continue;
      found.add(name);
      visit(helper.source);
    }
  };
  visit(source);
  return [...found].flatMap((name) => library[name] ?? []);
}
