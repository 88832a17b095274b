/** Constant: what a loss needs beside its inputs, such as the weights of classes. */
import { Tensor } from "../tensor.ts";

/** Numbers from the constructor, put on a device when first needed there. */
export class Constant {
  readonly values: Float32Array;
  #tensor: Tensor | null = null;
  constructor(values: readonly number[]) {
    this.values = Float32Array.from(values);
  }
  on(beside: Tensor): Tensor {
    if (this.#tensor?.device !== beside.device)
      this.#tensor = new Tensor(beside.device.store(this.values), [this.values.length]);
    return this.#tensor;
  }
}
