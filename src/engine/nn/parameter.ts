/** What a module holds on the device: parameters, which are trained, and buffers, which only follow the data. */

import { defaultDevice } from "../device.ts";
import { type Initializer, nextStream, type RandomStream } from "../random.ts";
import { elementCount, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** What a layer's definition says of one of its weights. */
export interface ParameterSpec {
  readonly shape: Shape;
  readonly init: Initializer;
}

let drawAtOnce = true;

export class Parameter extends Tensor {
  #init: Initializer;

  /** Drawn from the default seed (see `manualSeed`), unless made inside {@link withoutDrawing}. */
  constructor({ shape, init }: ParameterSpec) {
    super(defaultDevice().allocatePersistent(Math.max(4, elementCount(shape) * 4)), shape, "float32", true);
    this.#init = init;
    if (drawAtOnce) this.draw(nextStream(this.device));
  }

  get init(): Initializer {
    return this.#init;
  }

  draw(stream: RandomStream): void {
    stream.fill(this, this.#init);
  }

  /** From now on by another rule than its layer's. */
  drawFrom(init: Initializer): void {
    this.#init = init;
    if (drawAtOnce) this.draw(nextStream(this.device));
  }
}

/**
 * State that is no weight, such as BatchNorm's running mean: part of `stateDict` and of checkpoints, without gradient.
 * Instructions change it in place.
 */
export class Buffer extends Tensor {
  readonly init: Initializer;

  constructor({ shape, init }: ParameterSpec) {
    super(defaultDevice().allocatePersistent(Math.max(4, elementCount(shape) * 4)), shape);
    this.init = init;
    this.draw(nextStream(this.device));
  }

  draw(stream: RandomStream): void {
    stream.fill(this, this.init);
  }
}

/** Builds modules whose parameters stay unwritten, because `seedModule` or `loadStateDict` follows. */
export function withoutDrawing<T>(build: () => T): T {
  const before = drawAtOnce;
  drawAtOnce = false;
  try {
    return build();
  } finally {
    drawAtOnce = before;
  }
}
