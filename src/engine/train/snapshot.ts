/** A copy of a model's weights and buffers on the device: cheap to take each epoch, there when the weights turn bad. */
import type { Device, Storage } from "../device.ts";
import type { Module } from "../nn/module.ts";
import type { Tensor } from "../tensor.ts";

export class Snapshot {
  readonly #device: Device;
  readonly #named: [string, Tensor, Storage][];

  constructor(device: Device, model: Module) {
    this.#device = device;
    this.#named = Array.from(model.namedState(), ([name, p]) => [
      name,
      p,
      device.allocatePersistent(p.storage.buffer.bytes),
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
}
