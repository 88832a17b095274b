/**
 * A copy of tensors on the host, such as a model's weights: taken each epoch, there when the weights turn bad. The device
 * has no room to spare for what training itself never reads.
 */
import type { Weights } from "../nn/module.ts";
import type { Tensor } from "../tensor.ts";

interface Copied {
  readonly name: string;
  readonly tensor: Tensor;
  values: Float32Array | null;
}

export class Snapshot {
  readonly #tensors: readonly Copied[];

  constructor(named: Iterable<[string, Tensor]>) {
    this.#tensors = Array.from(named, ([name, tensor]) => ({ name, tensor, values: null }));
  }

  /** Into the same memory each time. */
  take(): void {
    for (const copied of this.#tensors) {
      const { device, storage, size } = copied.tensor;
      copied.values = device.backend.read(storage.buffer, copied.values ?? new Float32Array(size));
    }
  }

  putBack(): void {
    for (const { tensor, values } of this.#tensors) {
      if (values) tensor.device.backend.write(tensor.storage.buffer, values);
    }
  }

  /** Those of which there is a copy. */
  weights(): Map<string, Weights> {
    return new Map(
      this.#tensors.flatMap(({ name, tensor: { shape }, values }) =>
        values ? [[name, { shape, data: values.slice() }] as const] : [],
      ),
    );
  }

  /** Values to put back. */
  load(weights: ReadonlyMap<string, { readonly data: Float32Array }>): void {
    for (const copied of this.#tensors) copied.values = weights.get(copied.name)?.data.slice() ?? null;
  }
}
