/** Matrix products: four neighbours of a row to a thread where the width allows, and on WebGPU in tiles where they are large. */
import type { InstructionName } from "../../../instructions.ts";
import type { HandWritten, Lower, Operand, Pass } from "../lowering.ts";
import { tiledProduct } from "../tiled-product.ts";
import { lowering, operand, pass, sumLoops } from "./kernel-source.ts";

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  /** Where op(a)[row, i] and op(b)[i, column] lie, as text. */
  readonly a: (row: string, i: string) => string;
  readonly b: (i: string, column: string) => string;
  readonly reads: Readonly<Record<string, Operand>>;
  /** Added to the sum, given the column. */
  readonly plus?: (column: string) => string;
  readonly tiled: HandWritten | undefined;
}

function multiply({ m, n, k, batch, a, b, reads, plus, tiled }: Product): Pass {
  const lanes = n % 4 === 0 ? ([0, 1, 2, 3] as const) : ([0] as const);
  const column = (lane: number) => (lanes.length === 1 ? "this.thread.x" : `(this.thread.x * 4 + ${lane})`);
  const sums = lanes.map((lane) => `sum${lane}`);
  const results = lanes.map((lane) => `sum${lane}${plus ? ` + ${plus(column(lane))}` : ""}`);
  const loops = sumLoops(
    k,
    sums,
    (i, lane) => `v * b[${b(i, column(lane))}]`,
    (i) => `const v = a[${a("this.thread.y", i)}];\n`,
  );
  const width = n / lanes.length;
  return pass({
    output: batch === 1 ? [width, m] : [width, m, batch],
    ...(lanes.length === 1 ? {} : { components: lanes.length }),
    reads,
    writes: operand(0),
    ...(tiled && { wgsl: tiled }),
    body: `${loops}return ${lanes.length === 1 ? results[0] : `[${results.join(", ")}]`};`,
  });
}

export const matmuls = {
  matmul: lowering(
    ["m", "n", "k", "transA", "transB", "batch", "strideA", "strideB"],
    ({ m, n, k, transA, transB, batch, strideA, strideB }) => {
      if (m * n * batch === 0) return [];
      const slice = (stride: number) => (batch === 1 || stride === 0 ? "" : `this.thread.z * ${stride} + `);
      return [
        multiply({
          ...{ m, n, k, batch },
          reads: k === 0 ? {} : { a: operand(1), b: operand(2) },
          a: (row, i) => slice(strideA) + (transA ? `${i} * ${m} + ${row}` : `${row} * ${k} + ${i}`),
          b: (i, column) => slice(strideB) + (transB ? `${column} * ${k} + ${i}` : `${i} * ${n} + ${column}`),
          tiled: tiledProduct({
            m,
            n,
            k,
            batch,
            transA: transA !== 0,
            transB: transB !== 0,
            strideA,
            strideB,
            bias: false,
          }),
        }),
      ];
    },
  ),
  linear: lowering(["m", "n", "k"], ({ m, n, k }) => {
    if (m * n === 0) return [];
    return [
      multiply({
        ...{ m, n, k, batch: 1 },
        reads: { ...(k === 0 ? {} : { a: operand(1), b: operand(2) }), bias: operand(3) },
        a: (row, i) => `${row} * ${k} + ${i}`,
        b: (i, column) => `${column} * ${k} + ${i}`,
        plus: (column) => `bias[${column}]`,
        tiled: tiledProduct({ m, n, k, batch: 1, transA: false, transB: true, strideA: 0, strideB: 0, bias: true }),
      }),
    ];
  }),
} satisfies Partial<Record<InstructionName, Lower>>;
