/** Flat numbers as nested arrays, each with so many digits; those that are not finite become null in JSON. */
import { roundTo } from "./round-to.ts";

export function nestNumbers(numbers: ArrayLike<number>, shape: readonly number[], digits: number): unknown {
  let at = 0;
  const level = (depth: number): unknown => {
    if (depth === shape.length) return roundTo(numbers[at++] ?? Number.NaN, digits);
    const values: unknown[] = [];
    for (let i = 0; i < (shape[depth] ?? 0); i++) values.push(level(depth + 1));
    return values;
  };
  return level(0);
}
