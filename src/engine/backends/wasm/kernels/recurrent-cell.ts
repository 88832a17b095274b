// What the passes of RNN, LSTM and GRU share: kinds, flags, and the functions of their gates.
import { Sigmoid, Tanh } from "./exponential";
import { Lanes } from "./lanes";

export const TANH = 0;
export const LSTM = 2;
export const GRU = 3;

export const REVERSE = 1;
export const BIAS = 2;
export const PROJECTED = 4;

/** Elements of the gates per unit, in gi and in what is kept. */
export function gatesOf(kind: i32): i32 {
  return kind == LSTM ? 4 : kind == GRU ? 3 : 1;
}

export class Act {
  @inline static sigmoid(x: v128): v128 {
    return changetype<Sigmoid>(0).apply(x);
  }
  @inline static tanh(x: v128): v128 {
    return changetype<Tanh>(0).apply(x);
  }
  /** y·(1 − y)·g: through a sigmoid. */
  @inline static sigmoidBackward(g: v128, y: v128): v128 {
    return f32x4.mul(g, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
  }
  /** (1 − y²)·g: through a tanh. */
  @inline static tanhBackward(g: v128, y: v128): v128 {
    return f32x4.mul(g, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
  /** Stores what there is of four elements from j on, in a row of n. */
  @inline static store(row: usize, j: i32, n: i32, value: v128): void {
    const to = row + ((<usize>j) << 2);
    if (n - j >= 4) v128.store(to, value);
    else Lanes.storePartial(to, value, n - j);
  }
  @inline static sum(a: usize, b: usize): v128 {
    return f32x4.add(v128.load(a), v128.load(b));
  }
}
