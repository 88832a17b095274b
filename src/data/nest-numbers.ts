/** Flat numbers as nested arrays, each with so many digits; those that are not finite become null in JSON. */
import { roundTo } from "./round-to.ts";

export function nestNumbers(values: ArrayLike<number>, shape: readonly number[], digits: number): unknown {
  let at = 0;
  const level = (depth: number): unknown => {
    if (depth === shape.length) return roundTo(values[at++] ?? Number.NaN, digits);
    return Array.from({ length: shape[depth] ?? 0 }, () => level(depth + 1));
  };
  return level(0);
}
