/** A copy of tensors on the device, such as a model's weights: cheap to take each epoch, there when the weights turn bad. */
import type { Device, Storage } from "../device.ts";
import type { Weights } from "../nn/module.ts";
import type { Tensor } from "../tensor.ts";

export class Snapshot {
  readonly #device: Device;
  readonly #named: [string, Tensor, Storage][];

  constructor(device: Device, named: Iterable<[string, Tensor]>) {
    this.#device = device;
    this.#named = Array.from(named, ([name, tensor]) => [
      name,
      tensor,
      device.allocatePersistent(tensor.storage.buffer.bytes),
    ]);
  }

  take(): void {
    for (const [, { storage, size }, copy] of this.#named)
      this.#device.run("copy", [copy.buffer, storage.buffer], [size]);
  }

  putBack(): void {
    for (const [, { storage, size }, copy] of this.#named)
      this.#device.run("copy", [storage.buffer, copy.buffer], [size]);
  }

  weights(): Map<string, Weights> {
    return new Map(
      this.#named.map(([name, { shape, size }, copy]) => [
        name,
        { shape, data: this.#device.backend.read(copy.buffer, new Float32Array(size)) },
      ]),
    );
  }

  load(weights: ReadonlyMap<string, { readonly data: Float32Array }>): void {
    for (const [name, , copy] of this.#named) {
      const found = weights.get(name);
      if (found) this.#device.backend.write(copy.buffer, found.data);
    }
  }
}
