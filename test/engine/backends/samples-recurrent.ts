/** Random calls of the recurrent instructions; see samples.ts. */
import fc from "fast-check";
import type { Call } from "./samples.ts";
import { Source } from "./source.ts";

const LSTM = 2;
const GRU = 3;

const sizes = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  kind: fc.integer({ min: 0, max: 3 }),
  steps: fc.integer({ min: 1, max: 4 }),
  batch: fc.integer({ min: 1, max: 5 }),
  hidden: fc.integer({ min: 1, max: 9 }),
  projected: fc.integer({ min: 1, max: 5 }),
  bits: fc.nat(7),
});

const given = sizes.map(({ seed, kind, steps, batch, hidden, projected, bits }) => {
  const source = new Source(seed);
  const projects = kind === LSTM && (bits & 4) !== 0;
  const features = projects ? projected : hidden;
  const params = { kind, steps, batch, hidden, features, flags: (bits & 3) | (projects ? 4 : 0) };
  const width = (kind === LSTM ? 4 : kind === GRU ? 3 : 1) * hidden;
  const states = {
    weight: source.floats(width * features),
    h0: source.floats(batch * features),
    c0: source.floats(batch * hidden),
    projection: source.floats(features * hidden),
  };
  return { source, params, width, kept: kind === GRU ? 4 * hidden : width, states };
});

const floats = (n: number) => new Float32Array(n);

export const recurrentSamples = {
  recurrent: given.map(({ source, params, width, kept, states }): Call => {
    const { steps, batch, hidden, features } = params;
    return {
      arrays: {
        ...{ out: floats(steps * batch * features), gates: floats(params.kind < LSTM ? 0 : steps * batch * kept) },
        ...{
          cells: floats(params.kind === LSTM ? steps * batch * hidden : 0),
          raw: floats(params.flags & 4 ? steps * batch * hidden : 0),
        },
        ...{ gi: source.floats(steps * batch * width), bias: source.floats(width), ...states },
      },
      params,
    };
  }),
  recurrentBackward: given.map(({ source, params, width, kept, states }): Call => {
    const { steps, batch, hidden, features } = params;
    const rows = steps * batch;
    return {
      arrays: {
        ...{ dInput: floats(rows * width), dState: floats(params.kind === GRU ? rows * width : 0) },
        ...{
          dRaw: floats(params.flags & 4 ? rows * features : 0),
          dh0: floats(batch * features),
          dc0: floats(batch * hidden),
        },
        ...{ g: source.floats(rows * features), gCell: source.floats(batch * hidden) },
        ...{ out: source.floats(rows * features), gates: source.positive(rows * kept).map((v) => v / 4) },
        ...{ cells: source.floats(rows * hidden), ...states },
      },
      params,
    };
  }),
} satisfies Record<string, fc.Arbitrary<Call>>;
