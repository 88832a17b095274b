/** The hand-written matrix product against a plain loop, in each of its tilings. */
import { afterAll, describe, expect, it } from "vitest";
import { createGpuBackend } from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import { type ProductShape, tiledProduct } from "../../../../src/engine/backends/gpu/tiled-product.ts";
import { instructions } from "../../../../src/engine/instructions.ts";
import { hasWebgpu } from "./lines.ts";

const plain: ProductShape = {
  ...{ m: 64, n: 64, k: 64, batch: 1, transA: false, transB: false, strideA: 0, strideB: 0, bias: false },
};

it("is left to a plain kernel where tiles would be mostly empty", () => {
  expect(tiledProduct({ ...plain, m: 4 })).toBeUndefined();
  expect(tiledProduct({ ...plain, k: 2 })).toBeUndefined();
  expect(tiledProduct({ ...plain, batch: 100_000 })).toBeUndefined();
});

it("takes larger tiles for larger results", () => {
  const groups = (m: number, n: number) => tiledProduct({ ...plain, m, n })?.workgroups;
  expect(groups(100, 70)).toEqual([3, 4, 1]);
  expect(groups(1024, 1024)).toEqual([16, 16, 1]);
  expect(groups(4096, 4096)).toEqual([32, 32, 1]);
});

describe.skipIf(!hasWebgpu)("on a GPU", async () => {
  const backend = hasWebgpu ? await createGpuBackend() : null;
  afterAll(() => backend?.dispose());

  const sizes = [
    [64, 64, 64, 1],
    [33, 50, 37, 1],
    [17, 130, 5, 3],
    [70, 65, 9, 64],
    [130, 131, 4, 64],
  ] as const;
  const forms = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const;
  // Software takes seconds to compile a large tile.
  const cases = sizes.flatMap((size) =>
    (size[3] < 64 ? forms : [forms[0], forms[3]]).map((form) => [...size, ...form] as const),
  );
  it.each(cases)(
    "multiplies %i × %i over %i, %i times, with transA %i and transB %i",
    (m, n, k, batch, transA, transB) => {
      const a = Float32Array.from({ length: batch * m * k }, (_, i) => ((i * 7) % 11) - 5);
      const b = Float32Array.from({ length: batch * k * n }, (_, i) => ((i * 5) % 13) - 6);
      const buffers = [new Float32Array(batch * m * n), a, b].map((values) => {
        const buffer = backend!.allocate(values.byteLength);
        backend!.write(buffer, values);
        return buffer;
      });
      backend!.run(instructions.matmul, buffers, [m, n, k, transA, transB, batch, m * k, k * n]);
      const out = backend!.read(buffers[0]!, new Float32Array(batch * m * n));
      // Whole numbers, so every order of adding gives the same; every 97th of many is enough to see a wrong tile.
      for (let at = 0; at < out.length; at += out.length > 10_000 ? 97 : 1) {
        const [s, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
        let sum = 0;
        for (let p = 0; p < k; p++) {
          sum += a[s * m * k + (transA ? p * m + i : i * k + p)]! * b[s * k * n + (transB ? j * k + p : p * n + j)]!;
        }
        if (out[at] !== sum) expect({ at, value: out[at] }).toEqual({ at, value: sum });
      }
      for (const buffer of buffers) backend!.free(buffer);
    },
  );
});
