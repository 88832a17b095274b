/** Random calls of the embedding instructions, indices outside of the table included; see samples.ts. */
import fc from "fast-check";
import type { Call } from "./samples.ts";
import { Source } from "./source.ts";

const sizes = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  rows: fc.integer({ min: 0, max: 20 }),
  width: fc.integer({ min: 1, max: 11 }),
  tableRows: fc.integer({ min: 1, max: 9 }),
});

export const embeddingSamples = {
  embedding: sizes.map(({ seed, rows, width, tableRows }): Call => {
    const source = new Source(seed);
    return {
      arrays: {
        out: new Float32Array(rows * width),
        table: source.edges(tableRows * width),
        index: source.integers(rows, -1, tableRows),
      },
      params: { rows, width, tableRows },
    };
  }),
  embeddingBackward: sizes.map(({ seed, rows, width, tableRows }): Call => {
    const source = new Source(seed);
    return {
      arrays: {
        ...{ out: new Float32Array(tableRows * width), counts: new Int32Array(tableRows) },
        ...{ g: source.floats(rows * width), index: source.integers(rows, -1, tableRows) },
      },
      params: { rows, width, tableRows, padding: source.integer(-1, tableRows - 1), byFrequency: source.integer(0, 1) },
    };
  }),
  renormRows: sizes.map(({ seed, rows, width, tableRows }): Call => {
    const source = new Source(seed);
    return {
      arrays: { table: source.floats(tableRows * width), index: source.integers(rows, -1, tableRows) },
      params: {
        ...{ rows, width, tableRows, maxNorm: 1 + source.next() },
        normType: [1, 2, 3, Number.POSITIVE_INFINITY][source.integer(0, 3)]!,
      },
    };
  }),
} satisfies Record<string, fc.Arbitrary<Call>>;
