/**
 * What a training step counts and limits. Totals are float64 buffers: two words each, of which the second holds what the
 * first can't (Knuth's sum of two floats), so that long sums stay exact.
 */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Operand, Pass, Read } from "../lowering.ts";
import { literal, lowering, operand, pass, temporary } from "./kernel-source.ts";
import { inOrder, SUM, stages } from "./stages.ts";

const [TOTAL, X, SECOND] = [operand(0), operand(1), operand(2)];

/** total[i] += value, for `count` totals; `value` are statements that define the number `added`. */
function addTo(total: Operand, count: number, reads: Readonly<Record<string, Read>>, value: string): Pass {
  return pass({
    output: [count],
    components: 2,
    reads: { total, ...reads },
    writes: total,
    body: `${value}
      const high = total[this.thread.x * 2];
      const low = total[this.thread.x * 2 + 1];
      const sum = high + added;
      const seen = sum - high;
      const lost = (high - (sum - seen)) + (added - seen);
      const all = sum + (low + lost);
      return [all, (sum - all) + (low + lost)];`,
  });
}

/** x = expression in its own element and those of `reads`, in place. */
const inPlace = (n: number, reads: Readonly<Record<string, Operand>>, expression: string): Pass =>
  pass({
    output: [n],
    reads: { of: operand(0), ...reads },
    writes: operand(0),
    body: `const x = of[this.thread.x];\n${expression}`,
  });

const error = (at: string) => `(predicted[${at}] - target[${at}])`;
/** Sums of a regression, as the instruction lists them after the count. */
const RESIDUALS: readonly (readonly [ofErrors: boolean, term: (at: string) => string])[] = [
  [true, (at) => `Math.abs(${error(at)})`],
  [true, (at) => `${error(at)} * ${error(at)}`],
  [false, (at) => `target[${at}]`],
  [false, (at) => `target[${at}] * target[${at}]`],
];

export const trainings = {
  advance: lowering(["by"], ({ by }) => [
    pass({ output: [1], reads: { cursor: TOTAL }, writes: TOTAL, body: `return cursor[0] + ${literal(by)};` }),
  ]),
  accumulate: lowering(["weight"], ({ weight }) => [
    addTo(TOTAL, 1, { x: X }, `const added = x[0] * ${literal(Math.fround(weight))};`),
  ]),
  confusion: lowering(["rows", "classes"], ({ rows, classes }) =>
    rows === 0
      ? []
      : [
          addTo(
            TOTAL,
            classes * classes,
            { target: X, predicted: SECOND },
            `const t = quotient(this.thread.x, ${classes});
            const p = this.thread.x - t * ${classes};
            let added = 0;
            for (let r = 0; r < ${rows}; r++) {
              if (target[r] === t) { if (predicted[r] === p) { added += 1; } }
            }`,
          ),
        ],
  ),
  residuals: lowering(["n"], ({ n }) => {
    if (n === 0) return [];
    const over = { before: [], length: n, after: [] };
    const sums = RESIDUALS.map(([ofErrors, term], i) => (first: number) => {
      const reads = { ...(ofErrors ? { predicted: X } : {}), target: SECOND };
      return stages({ fold: SUM, over, reads, term, writes: temporary(i), first });
    });
    const { temporaries, passes } = inOrder(RESIDUALS.length, ...sums);
    const reads = Object.fromEntries(RESIDUALS.map((_, i) => [`sum${i}`, temporary(i)]));
    const choice = RESIDUALS.map((_, i) => `if (this.thread.x === ${i + 1}) { added = sum${i}[0]; }`);
    return {
      temporaries: [...RESIDUALS.map(() => 1), ...temporaries],
      passes: [...passes, addTo(TOTAL, 1 + RESIDUALS.length, reads, `let added = ${n};\n${choice.join("\n")}`)],
    };
  }),
  sumSquares: lowering(["n"], ({ n }) => {
    if (n === 0) return [];
    const square = (at: string) => `x[${at}] * x[${at}]`;
    const over = { before: [], length: n, after: [] };
    const sums = stages({ fold: SUM, over, reads: { x: X }, term: square, writes: temporary(0), first: 1 });
    const add = addTo(TOTAL, 1, { squares: temporary(0) }, "const added = squares[0];");
    return { temporaries: [1, ...sums.temporaries], passes: [...sums.passes, add] };
  }),
  clipByNorm: lowering(["n", "max"], ({ n, max }) => [
    inPlace(
      n,
      { total: X },
      `const factor = ${literal(max)} / (Math.sqrt(total[0] + total[1]) + 0.000001);
      return factor >= 1 ? x : x * factor;`,
    ),
  ]),
  clipByValue: lowering(["n", "limit"], ({ n, limit }) => [
    inPlace(
      n,
      {},
      `if (x > ${literal(limit)}) { return ${literal(limit)}; }
      return x < ${literal(-limit)} ? ${literal(-limit)} : x;`,
    ),
  ]),
  addInPlace: lowering(["n"], ({ n }) => [inPlace(n, { y: X }, "return x + y[this.thread.x];")]),
  setRate: lowering(["momentumAt"], ({ momentumAt }) => {
    const [hyper, at, table] = [operand(0), operand(1), operand(2)];
    const words = 2 * Math.max(1, momentumAt + 1);
    const row = (i: number) => `table[(at[0] | 0) * 4 + ${i}]`;
    const momentum = (i: number) =>
      momentumAt < 0 ? "" : `if (this.thread.x === ${2 * momentumAt + i}) { return ${row(2 + i)}; }\n`;
    // Where both are one word, the momentum is written last.
    const body = `${momentum(0)}${momentum(1)}if (this.thread.x === 0) { return ${row(0)}; }
      if (this.thread.x === 1) { return ${row(1)}; }
      return hyper[this.thread.x];`;
    return [
      pass({ output: [words], reads: { hyper, at, table }, writes: hyper, body }),
      pass({ output: [1], reads: { at }, writes: at, body: "return at[0] + 1;" }),
    ];
  }),
} satisfies Partial<Record<InstructionName, Lower>>;
