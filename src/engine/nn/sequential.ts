/** Sequential: layers one after another, named "0", "1", … as PyTorch names them. */
import type { Tensor } from "../tensor.ts";
import { Module } from "./module.ts";

export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...layers: readonly Module[]) {
    super();
    this.layers = layers;
  }

  override parts(): Iterable<[string, unknown]> {
    return this.layers.map((layer, i) => [String(i), layer]);
  }

  forward(x: Tensor): Tensor {
    let value = x;
    for (const layer of this.layers) value = layer.forward(value);
    return value;
  }
}
