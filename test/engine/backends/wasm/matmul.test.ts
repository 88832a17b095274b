import { describe, expect, it } from "vitest";
import type { Backend } from "../../../../src/engine/backend.ts";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { instructions } from "../../../../src/engine/instructions.ts";

/** Whole numbers: every partial sum is exact, so any order of summing must give the very same result. */
const wholeNumbers = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => ((i * 7 + seed) % 11) - 5);
const fractions = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 1.7 + seed));

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transA?: boolean;
  readonly transB?: boolean;
}

function multiply(backend: Backend, a: Float32Array, b: Float32Array, sizes: Sizes): Float32Array {
  const { m, n, k, transA = false, transB = false } = sizes;
  const buffers = [
    backend.allocate(m * n * 4),
    backend.allocate(a.byteLength),
    backend.allocate(b.byteLength),
  ] as const;
  backend.write(buffers[1], a);
  backend.write(buffers[2], b);
  backend.run(instructions.matmul, buffers, [m, n, k, Number(transA), Number(transB), 1, 0, 0]);
  const out = backend.read(buffers[0], new Float32Array(m * n));
  for (const buffer of buffers) backend.free(buffer);
  return out;
}

function expected(a: Float32Array, b: Float32Array, { m, n, k, transA, transB }: Sizes): Float32Array {
  const out = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[transA ? p * m + i : i * k + p]! * b[transB ? j * k + p : p * n + j]!;
      out[i * n + j] = sum;
    }
  }
  return out;
}

const transposes = [
  { transA: false, transB: false },
  { transA: false, transB: true },
  { transA: true, transB: false },
  { transA: true, transB: true },
];

for (const numerics of ["fast", "strict"] as const) {
  const backend = await createWasmBackend({ numerics });

  describe(`matrix products on the ${backend.variant} kernels`, () => {
    it("are exact on whole numbers for every small size and transposition", () => {
      const edges = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17];
      for (const transposition of transposes) {
        for (const m of edges) {
          for (const n of edges) {
            for (const k of [0, 1, 3, 4, 5, 16, 19, 32]) {
              const sizes = { m, n, k, ...transposition };
              const [a, b] = [wholeNumbers(m * k, 1), wholeNumbers(k * n, 2)];
              const same = Buffer.compare(
                Buffer.from(multiply(backend, a, b, sizes).buffer),
                Buffer.from(expected(a, b, sizes).map((x) => x + 0).buffer),
              );
              expect(same, JSON.stringify(sizes)).toBe(0);
            }
          }
        }
      }
    });

    it("are exact across the borders of blocks", () => {
      for (const transposition of transposes) {
        for (const [m, n, k] of [
          [97, 9, 257],
          [7, 515, 300],
          [193, 70, 513],
          [100, 1, 600],
          [1, 530, 270],
        ]) {
          const sizes = { m: m!, n: n!, k: k!, ...transposition };
          const [a, b] = [wholeNumbers(m! * k!, 3), wholeNumbers(k! * n!, 4)];
          expect(multiply(backend, a, b, sizes), JSON.stringify(sizes)).toEqual(expected(a, b, sizes));
        }
      }
    });

    it("give a row the same bits whatever the size of its batch", () => {
      for (const [n, k] of [
        [1, 16],
        [2, 33],
        [3, 64],
        [64, 64],
        [10, 784],
        [130, 300],
      ]) {
        const [a, b] = [fractions(200 * k!, 1), fractions(k! * n!, 2)];
        const whole = multiply(backend, a, b, { m: 200, n: n!, k: k!, transB: true });
        for (const m of [1, 2, 5, 7, 32, 100]) {
          const part = multiply(backend, a.subarray(0, m * k!), b, { m, n: n!, k: k!, transB: true });
          expect(part, `${m} of 200 rows, n = ${n}, k = ${k}`).toEqual(whole.subarray(0, m * n!));
        }
      }
    });

    it("stay close to float64 over long sums", () => {
      const sizes = { m: 8, n: 8, k: 20_000 };
      const [a, b] = [fractions(8 * sizes.k, 1), fractions(8 * sizes.k, 2)];
      const [got, want] = [multiply(backend, a, b, sizes), expected(a, b, sizes)];
      for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - want[i]!)).toBeLessThan(0.02);
    });

    it("carry NaN and infinity of one row into that row only", () => {
      const a = Float32Array.of(Number.NaN, 1, 2, 3, Number.POSITIVE_INFINITY, 1);
      const out = multiply(backend, a, Float32Array.of(1, 1, 1, 1), { m: 3, n: 2, k: 2 });
      expect(Array.from(out)).toEqual([
        Number.NaN,
        Number.NaN,
        5,
        5,
        Number.POSITIVE_INFINITY,
        Number.POSITIVE_INFINITY,
      ]);
    });
  });
}
