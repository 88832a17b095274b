/** Random numbers, the same as on every other device: Philox4x32-10 on whole numbers of 32 bits. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Pass } from "../lowering.ts";
import { literal, lowering, operand, pass, temporary } from "./kernel-source.ts";

const [OUT, STATE] = [operand(0), operand(1)];

/** Word `lane` of the block that thread `i` draws from. */
const word = (i: string, lane: string): string =>
  `philox0(${i} >> 2, wordOf(state[6], state[7]), wordOf(state[4], state[5]), 0, ` +
  `wordOf(state[0], state[1]), wordOf(state[2], state[3]), ${lane})`;

/** A word's upper 24 bits as a number in [0, 1). */
const unit = (lane: string): string => `(${word("this.thread.x", lane)} >>> 8) * ${2 ** -24}`;

/** Adds 1 to the state's counter: its lower half is word 6, its upper one word 7. */
const advance = pass({
  output: [2],
  components: 4,
  reads: { state: STATE },
  writes: STATE,
  body: `const at = this.thread.x * 4;
    const a = state[at];
    const b = state[at + 1];
    let low = state[at + 2];
    let high = state[at + 3];
    if (this.thread.x === 1) {
      low += 1;
      if (low > 65535) { low = 0; high += 1; }
      if (high > 65535) { high = 0; }
    }
    return [a, b, low, high];`,
});

const draw = <Name extends string>(
  names: readonly Name[],
  body: (params: Readonly<Record<Name, number>>) => string,
): Lower =>
  lowering(["n", ...names], (params) => [
    pass({ output: [params.n], reads: { state: STATE }, writes: OUT, body: body(params) }),
    advance,
  ]);

/** Exchanges that one thread traces in one pass, so that no GPU takes it for hung. */
const TRACED = 65_536;

export const randoms = {
  randomUniform: draw(["low", "high"], ({ low, high }) => {
    const range = Math.fround(Math.fround(high) - Math.fround(low));
    return `return ${literal(Math.fround(low))} + (${unit("this.thread.x & 3")}) * ${literal(range)};`;
  }),
  randomNormal: draw(
    ["mean", "std"],
    ({ mean, std }) => `const u = ${unit("this.thread.x & 2")};
      const turns = ${unit("(this.thread.x & 2) | 1")};
      const size = Math.sqrt(0 - 2 * logarithm1p(0 - u));
      const odd = this.thread.x & 1;
      return ${literal(Math.fround(mean))} + ${literal(Math.fround(std))} * (size * turn(turns, odd * 3));`,
  ),
  dropoutMask: draw(["p"], ({ p }) => {
    const kept = p < 1 ? Math.fround(1 / Math.fround(1 - p)) : 0;
    return `const u = ${unit("this.thread.x & 3")};\nreturn u >= ${literal(Math.fround(p))} ? ${literal(kept)} : 0;`;
  }),
  /**
   * The exchanges happen from the top down, so what lies at a place in the end is found by following them from the bottom
   * up: every place on its own.
   */
  randomPermutation: lowering(["n"], ({ n }) => {
    const partners = pass({
      output: [n],
      reads: { state: STATE },
      writes: temporary(0),
      body: `return mulHigh(${word("this.thread.x", "this.thread.x & 3")}, this.thread.x + 1);`,
    });
    const traces = Array.from({ length: Math.ceil(n / TRACED) }, (_, part): Pass => {
      const end = Math.min(n, (part + 1) * TRACED);
      const first = part === 0;
      return pass({
        output: [n],
        reads: first ? { partner: temporary(0) } : { partner: temporary(0), found: OUT },
        writes: OUT,
        body: `let at = ${first ? "this.thread.x + 0" : "found[this.thread.x]"};
          for (let i = ${part * TRACED}; i < ${end}; i++) {
            const other = partner[i];
            if (at === i) { at = other; } else { if (at === other) { at = i; } }
          }
          return at;`,
      });
    });
    return { temporaries: [n], passes: [partners, ...traces, advance] };
  }),
} satisfies Partial<Record<InstructionName, Lower>>;
