/** The matrix product in tiles. */
import type { HandWritten } from "./lowering.ts";
import { tiled } from "./tiles.ts";

export interface ProductShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  /** a is [k, m] instead of [m, k]; b is [n, k] instead of [k, n]. */
  readonly transA: boolean;
  readonly transB: boolean;
  /** Elements from one matrix of a batch to the next. */
  readonly strideA: number;
  readonly strideB: number;
  /** A third operand, [n], is added to each row. */
  readonly bias: boolean;
}

/** Undefined where a plain kernel does as well. */
export function tiledProduct({
  transA,
  transB,
  strideA,
  strideB,
  bias,
  ...size
}: ProductShape): HandWritten | undefined {
  const { m, n, k } = size;
  const factor = (name: "a" | "b", stride: number, width: number, deepFirst: boolean): string =>
    `fn ${name}_at(batch : u32, side : u32, deep : u32) -> f32 {
return ${name}[batch * ${stride}u + ${deepFirst ? `side * ${k}u + deep` : `deep * ${width}u + side`}];
}`;
  return tiled({
    ...size,
    reads: ["a", "b", ...(bias ? ["bias"] : [])],
    functions: `${factor("a", strideA, m, !transA)}\n${factor("b", strideB, n, transB)}`,
    deepFirst: { a: !transA, b: transB },
    ...(bias ? { plus: (_batch, _row, column) => `bias[${column}]` } : {}),
  });
}
