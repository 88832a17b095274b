/** How instructions see an array: along one dimension of three, or with strides over up to six. */
import { MAX_RANK } from "../../../src/engine/instructions.ts";

type Params = Readonly<Record<string, number>>;

/** Calls `each` with [outer, inner] cells and the positions of their `length` elements. */
export function along(params: Params, each: (cell: number, positions: readonly number[]) => void): void {
  const { outer, length, inner } = params;
  for (let o = 0; o < outer!; o++) {
    for (let i = 0; i < inner!; i++) {
      const positions = Array.from({ length: length! }, (_, l) => (o * length! + l) * inner! + i);
      each(o * inner! + i, positions);
    }
  }
}

/** Walks dims d0…: the running number of an index, and where it lies for each family of strides. */
export function visit(
  params: Params,
  families: readonly string[],
  each: (i: number, at: readonly number[]) => void,
): void {
  const dims = Array.from({ length: params["rank"]! }, (_, d) => params[`d${d}`]!);
  const count = dims.reduce((product, dim) => product * dim, 1);
  for (let i = 0; i < count; i++) {
    const at = families.map(() => 0);
    let rest = i;
    for (let d = dims.length - 1; d >= 0; d--) {
      const index = rest % dims[d]!;
      rest = Math.floor(rest / dims[d]!);
      families.forEach((family, f) => {
        at[f]! += index * params[`${family}${d}`]!;
      });
    }
    each(i, at);
  }
}

/** The parameters d0…, s0…: `values` first, zeros up to the highest rank. */
export function family(prefix: string, values: readonly number[]): Record<string, number> {
  return Object.fromEntries(Array.from({ length: MAX_RANK }, (_, i) => [`${prefix}${i}`, values[i] ?? 0]));
}
