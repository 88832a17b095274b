/** Every scheduler's rates, and the momentum it moves, against PyTorch's. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Plateau, schedulers } from "../../../src/engine/schedulers/index.ts";
import { difference } from "./closeness.ts";

interface Case {
  readonly scheduler: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly lr: readonly number[];
  readonly momentum: readonly number[];
  readonly metrics?: readonly number[];
}
const pack: { readonly base_lr: number; readonly cases: readonly Case[] } = JSON.parse(
  gunzipSync(readFileSync(new URL("../../fixtures/golden/schedulers.json.gz", import.meta.url))).toString(),
);
const CLOSE = { rtol: 1e-9, atol: 1e-12 };

describe("schedulers agree with PyTorch", () => {
  pack.cases.forEach((given, i) => {
    test(`${i + 1} ${given.scheduler} ${JSON.stringify(given.kwargs).slice(0, 100)}`, () => {
      const lr = given.metrics ? plateauRates(given, given.metrics) : scheduledRates(given);
      expect(difference(lr, given.lr, CLOSE)).toBeNull();
    });
  });

  test("every scheduler of the engine has cases", () => {
    const covered = new Set(pack.cases.map(({ scheduler }) => scheduler));
    expect([...schedulers.keys()].filter((type) => !covered.has(type))).toEqual([]);
  });
});

/** Rates at t = 0, 1, …; where the schedule moves the momentum, that is compared too. */
function scheduledRates(given: Case): number[] {
  const definition = schedulers.get(given.scheduler);
  if (!definition) throw new Error(`The engine has no ${given.scheduler}.`);
  const args = definition.args.parse(asSpec(given.kwargs));
  const schedule = definition.create(args, { baseLr: pack.base_lr, total: given.lr.length });
  const rates = given.lr.map((_, t) => schedule(t));
  if (definition.movesMomentum(args)) {
    expect(
      difference(
        rates.map(({ momentum }) => momentum ?? Number.NaN),
        given.momentum,
        CLOSE,
      ),
    ).toBeNull();
  }
  return rates.map(({ lr }) => lr);
}

/** The rate in use before each metric is seen. */
function plateauRates({ kwargs, lr }: Case, metrics: readonly number[]): number[] {
  const plateau = Plateau.of(kwargs, pack.base_lr);
  return lr.map((_, t) => {
    const now = plateau.state.lr;
    plateau.observe(metrics[t] ?? Number.NaN);
    return now;
  });
}

/** `["LinearLR", { … }]` in the fixture is `{ "type": "LinearLR", … }` in a spec. */
function asSpec(kwargs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { schedulers: inner, ...rest } = kwargs;
  if (!Array.isArray(inner)) return rest;
  return { ...rest, schedulers: inner.map(([type, args]) => ({ type, ...args })) };
}
