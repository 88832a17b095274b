/** What gradients.test.ts tries of normalisation: every sharing of means and weights that a layer makes. */
import { ops, type Shape, type Tensor } from "../../src/engine/index.ts";
import type { MomentsSource, NormalizedView } from "../../src/engine/ops/normalize.ts";
import type { Case } from "./gradient-case.ts";

interface Given {
  readonly x: Shape;
  readonly view: NormalizedView;
  readonly features: number;
  readonly spread: number;
  readonly uncentred?: boolean;
}

const views: readonly Given[] = [
  // Batch normalisation of a table and of images, layer and group normalisation.
  { x: [4, 3], view: [4, 3, 1], features: 3, spread: 1 },
  { x: [2, 2, 3], view: [2, 2, 3], features: 2, spread: 3 },
  { x: [2, 5], view: [1, 2, 5], features: 5, spread: 1 },
  { x: [2, 4, 2], view: [1, 4, 4], features: 4, spread: 2 },
];

const EPS = 0.1;

function whole({ view, features, spread, uncentred = false }: Given, parts: "both" | "weight" | "none") {
  return (x: Tensor, ...affine: Tensor[]): Tensor => {
    const source: MomentsSource = { of: "x", eps: EPS, uncentred };
    const [weight, bias] = affine;
    return ops.normalize(x, view, ops.moments(x, view, EPS, uncentred), source, {
      weight: weight && parts !== "none" ? weight : null,
      bias: bias && parts === "both" ? bias : null,
      features,
      spread,
    });
  };
}

export const normalizationCases: Readonly<Record<string, Case[]>> = {
  normalize: [
    ...views.flatMap((given): Case[] => [
      { f: whole(given, "both"), shapes: [given.x, [given.features], [given.features]] },
      { f: whole({ ...given, uncentred: true }, "weight"), shapes: [given.x, [given.features]] },
      { f: whole(given, "none"), shapes: [given.x] },
    ]),
    {
      // Running statistics: constants.
      f: (x, weight, bias) => {
        const given = {
          mean: ops.mul(ops.sum(x, 0), 0).detach(),
          rstd: ops.add(ops.mul(ops.sum(x, 0), 0), 2).detach(),
        };
        return ops.normalize(
          x,
          [4, 3, 1],
          given,
          { of: "elsewhere" },
          { weight: weight ?? null, bias: bias ?? null, features: 3, spread: 1 },
        );
      },
      shapes: [[4, 3], [3], [3]],
    },
  ],
};
