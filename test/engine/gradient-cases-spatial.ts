/** What gradients.test.ts tries of convolution, pooling and what else works over positions. */
import { ops, Tensor } from "../../src/engine/index.ts";
import { SparseMap } from "../../src/engine/sparse-map.ts";
import type { ConvolutionGeometry } from "../../src/engine/windows.ts";
import type { Case } from "./gradient-case.ts";

const geometry: ConvolutionGeometry = { stride: [2, 1], dilation: [1, 2], before: [1, 1], groups: 2 };
/** Of images [1, 2, 3, 4] and a kernel of 2 × 2 with two features; the last column of zeros is met, too. */
const x = [1, 2, 3, 4];
const weight = [2, 1, 2, 2];
const result = [1, 2, 2, 4];

const map = new SparseMap(3, [
  [
    [0, 0.5],
    [2, -2],
  ],
  [],
  [[1, 3]],
  [
    [2, 1],
    [2, 0.25],
  ],
]);

/** int32 [2, 4], one column twice. */
function columns(beside: Tensor): Tensor {
  return new Tensor(beside.device.store(Int32Array.of(2, 0, 2, 1, 1, 1, 0, 2)), [2, 4], "int32");
}

/** int32 [2, 3], each column once. */
const differentColumns = (beside: Tensor): Tensor =>
  new Tensor(beside.device.store(Int32Array.of(2, 0, 3, 1, 3, 0)), [2, 3], "int32");

export const spatialCases: Readonly<Record<string, Case[]>> = {
  convolution: [
    { f: (x, w, b) => ops.convolution(x, w, b, geometry, [2, 4]), shapes: [x, weight, [2]] },
    { f: (x, w) => ops.convolution(x, w, null, geometry, [2, 4]), shapes: [x, weight] },
  ],
  convolutionInput: [{ f: (g, w) => ops.convolutionInput(g, w, geometry, [3, 4]), shapes: [result, weight] }],
  convolutionWeight: [{ f: (g, x) => ops.convolutionWeight(g, x, geometry, [2, 2]), shapes: [result, x] }],
  maxPool: [
    {
      f: (x) =>
        ops.maxPool(x, { kernel: [2, 2], stride: [1, 2], dilation: [1, 1], before: [1, 0], size: [3, 2] }).values,
      shapes: [[2, 3, 4]],
    },
  ],
  adaptiveMaxPool: [{ f: (x) => ops.adaptiveMaxPool(x, [2, 3]).values, shapes: [[2, 3, 4]] }],
  poolDepth: [
    {
      f: (x) =>
        ops.poolDepth(ops.adaptiveMaxPool(x, [1, 2]), x.shape, (rows, columns) =>
          ops.adaptiveMaxPool(rows, [2, columns]),
        ).values,
      shapes: [[2, 3, 2, 2]],
    },
  ],
  maxUnpool: [{ f: (x) => ops.maxUnpool(x, differentColumns(x), 4), shapes: [[2, 3]] }],
  gatherAlong: [{ f: (x) => ops.gatherAlong(x, columns(x)), shapes: [[2, 3]] }],
  scatterAlong: [{ f: (x) => ops.scatterAlong(x, columns(x), 3), shapes: [[2, 4]] }],
  sparseProduct: [
    { f: (x) => ops.sparseProduct(x, 1, map), shapes: [[2, 3, 2]] },
    { f: (x) => ops.sparseProduct(x, -1, map), shapes: [[2, 3]] },
  ],
  constantPad: [
    { f: (x) => ops.constantPad(x, [[1, 2]], 3), shapes: [[2, 3]] },
    {
      f: (x) =>
        ops.constantPad(x, [
          [-1, 1],
          [0, -1],
        ]),
      shapes: [[2, 3, 2]],
    },
  ],
};
