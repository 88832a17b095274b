/**
 * A copy of tensors on the host, such as a model's weights: taken each epoch, there when the weights turn bad. The device
 * has no room to spare for what training itself never reads.
 */
import type { Weights } from "../nn/module.ts";
import type { Tensor } from "../tensor.ts";

export class Snapshot {
  readonly #tensors: ReadonlyMap<string, Tensor>;
  /** Of the same names, once there are any. */
  #copies: ReadonlyMap<string, Float32Array> = new Map();

  constructor(named: Iterable<[string, Tensor]>) {
    this.#tensors = new Map(named);
  }

  take(): void {
    if (this.#copies.size === 0) {
      this.#copies = new Map(Array.from(this.#tensors, ([name, { size }]) => [name, new Float32Array(size)]));
    }
    for (const [{ device, storage }, copy] of this.#pairs()) device.backend.read(storage.buffer, copy);
  }

  putBack(): void {
    for (const [{ device, storage }, copy] of this.#pairs()) device.backend.write(storage.buffer, copy);
  }

  weights(): Map<string, Weights> {
    return new Map(
      Array.from(this.#copies, ([name, data]) => [
        name,
        { shape: this.#tensors.get(name)?.shape ?? [], data: data.slice() },
      ]),
    );
  }

  /** Values to put back, of all tensors. */
  load(weights: ReadonlyMap<string, { readonly data: Float32Array }>): void {
    this.#copies = new Map(Array.from(weights, ([name, { data }]) => [name, data.slice()]));
  }

  *#pairs(): Generator<[Tensor, Float32Array]> {
    for (const [name, tensor] of this.#tensors) {
      const copy = this.#copies.get(name);
      if (copy) yield [tensor, copy];
    }
  }
}
