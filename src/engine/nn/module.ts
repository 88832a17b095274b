/**
 * Module: a piece of a model. Subclass it, keep parameters and other modules in properties, write `forward`:
 *
 *     class Net extends Module {
 *       hidden = new Linear(2, 8);
 *       out = new Linear(8, 1);
 *       forward(x: Tensor) { return this.out.forward(this.hidden.forward(x).relu()); }
 *     }
 *
 * Properties are found when asked for, in the order in which they were set, and their names are the `stateDict` names.
 */
import { RandomStream } from "../random.ts";
import { type Shape, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Buffer, Parameter } from "./parameter.ts";

export interface Weights {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export abstract class Module {
  /** True while training: dropout drops, running statistics move. */
  training = true;

  abstract forward(...inputs: Tensor[]): Tensor;

  /** Whether, outside training, this module itself makes a sample's output depend on the others of its batch. */
  get mixesSamples(): boolean {
    return false;
  }

  /** What this module itself holds, by name. A container that names its parts otherwise overrides this. */
  parts(): Iterable<[string, unknown]> {
    return Object.entries(this);
  }

  *namedModules(prefix = ""): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, part] of this.parts()) {
      if (part instanceof Module) yield* part.namedModules(join(prefix, name));
    }
  }

  *#named<T>(kind: abstract new (...args: never[]) => T): Generator<[string, T]> {
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, part] of module.parts()) if (part instanceof kind) yield [join(prefix, name), part];
    }
  }

  namedParameters(): Generator<[string, Parameter]> {
    return this.#named(Parameter);
  }

  namedBuffers(): Generator<[string, Buffer]> {
    return this.#named(Buffer);
  }

  /** Parameters and buffers, in PyTorch's order: module by module, parameters first. */
  *namedState(): Generator<[string, Parameter | Buffer]> {
    for (const [prefix, module] of this.namedModules()) {
      const parts = Array.from(module.parts());
      for (const [name, part] of parts) if (part instanceof Parameter) yield [join(prefix, name), part];
      for (const [name, part] of parts) if (part instanceof Buffer) yield [join(prefix, name), part];
    }
  }

  /** The random streams of dropout and the like, which a checkpoint must keep. */
  namedStreams(): Generator<[string, RandomStream]> {
    return this.#named(RandomStream);
  }

  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter);
  }

  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }

  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Draws every parameter anew, each from the stream of its own name, sets buffers back, and reseeds dropout. */
  seed(seed: number): this {
    for (const [name, parameter] of this.namedState()) {
      parameter.draw(new RandomStream(seed, `init/${name}`, parameter.device));
    }
    for (const [name, stream] of this.namedStreams()) stream.reseed(seed, `stream/${name}`);
    return this;
  }

  /** Weights and buffers by PyTorch's names, copied to the host. */
  stateDict(): Map<string, Weights> {
    const out = new Map<string, Weights>();
    for (const [name, { shape, device, storage, size }] of this.namedState()) {
      out.set(name, { shape, data: device.backend.read(storage.buffer, new Float32Array(size)) });
    }
    return out;
  }

  /** Overwrites the weights that `weights` names. Unless `strict` is false, it must name them all and no others. */
  loadStateDict(weights: ReadonlyMap<string, Weights>, { strict = true } = {}): this {
    const own = new Map(this.namedState());
    const missing = strict ? [...own.keys()].filter((name) => !weights.has(name)) : [];
    const unexpected = [...weights.keys()].filter((name) => !own.has(name));
    if (missing.length > 0 || unexpected.length > 0) {
      const parts = [
        missing.length > 0 && `missing: ${missing.join(", ")}`,
        unexpected.length > 0 && `unexpected: ${unexpected.join(", ")}`,
      ].filter(Boolean);
      throw new Error(
        `loadStateDict: the weights don't belong to this model (${parts.join("; ")}). It has: ${[...own.keys()].join(", ")}.`,
      );
    }
    for (const [name, { shape, data }] of weights) {
      const parameter = own.get(name);
      if (!parameter) continue;
      if (!sameShape(shape, parameter.shape) || data.length !== parameter.size) {
        throw new Error(
          `loadStateDict: ${name} has shape ${showShape(shape)}, the model wants ${showShape(parameter.shape)}.`,
        );
      }
      parameter.device.backend.write(parameter.storage.buffer, data);
    }
    return this;
  }
}

const join = (prefix: string, name: string): string => (prefix ? `${prefix}.${name}` : name);
