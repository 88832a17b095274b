/** One function whose derivatives gradients.test.ts compares with differences, and where it does so. */
import type { Shape, Tensor } from "../../src/engine/index.ts";

export interface Case {
  readonly f: (...inputs: Tensor[]) => Tensor;
  readonly shapes: readonly Shape[];
  /** Moves the values into the function's domain. */
  readonly domain?: (value: number) => number;
  readonly secondIsZero?: boolean;
}
