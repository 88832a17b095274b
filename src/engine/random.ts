/**
 * Random numbers that depend on seed, name and call alone: a stream is keyed by (seed, name), so adding a layer changes
 * no other layer's numbers, and device, threads and batch layout change nothing. Generator: Philox4x32-10 (Salmon et
 * al., "Parallel random numbers: as easy as 1, 2, 3", 2011), run by the instructions `random…` and `dropoutMask`.
 */
import { type Device, defaultDevice, type Storage } from "./device.ts";
import { empty, stridedParams } from "./ops/op.ts";
import { elementCount, type Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** How a fresh parameter is filled. */
export type Initializer =
  | { readonly distribution: "uniform"; readonly low: number; readonly high: number }
  | { readonly distribution: "normal"; readonly mean: number; readonly std: number; readonly zeroRow?: number }
  | { readonly distribution: "constant"; readonly value: number };

/** U(−bound, bound) */
export const uniformWithin = (bound: number): Initializer => ({ distribution: "uniform", low: -bound, high: bound });

export class RandomStream {
  readonly device: Device;
  /** [key0, key1, stream, counter] in halves, as the instruction table describes it. */
  readonly #state: Storage;

  constructor(seed: number, name: string, device: Device = defaultDevice()) {
    this.device = device;
    this.#state = device.store(halves(initialState(seed, name)));
  }

  /** Starts over as the stream `name` of `seed`. */
  reseed(seed: number, name: string): void {
    this.state = initialState(seed, name);
  }

  /** int32 [key0, key1, stream, counter] */
  get state(): Int32Array {
    return wholes(this.device.backend.read(this.#state.buffer, new Int32Array(8)));
  }
  set state(state: Int32Array) {
    this.device.backend.write(this.#state.buffer, halves(state));
  }

  /** Overwrites `target` with fresh values. */
  fill(target: Tensor, init: Initializer): void {
    const out = target.storage.buffer;
    const state = this.#state.buffer;
    if (init.distribution === "constant") this.device.run("fill", [out], [target.size, init.value]);
    else if (init.distribution === "normal") {
      this.device.run("randomNormal", [out, state], [target.size, init.mean, init.std]);
      if (init.zeroRow !== undefined) zeroRow(target, init.zeroRow);
    } else this.device.run("randomUniform", [out, state], [target.size, init.low, init.high]);
  }

  uniform(shape: Shape, low = 0, high = 1): Tensor {
    return this.#draw(shape, { distribution: "uniform", low, high });
  }
  normal(shape: Shape, mean = 0, std = 1): Tensor {
    return this.#draw(shape, { distribution: "normal", mean, std });
  }

  #draw(shape: Shape, init: Initializer): Tensor {
    const out = empty(this.device, shape);
    this.fill(out, init);
    return out;
  }

  /** 0 with probability p, else 1/(1 − p). */
  dropoutMask(shape: Shape, p: number): Tensor {
    const out = empty(this.device, shape);
    this.device.run("dropoutMask", [out.storage.buffer, this.#state.buffer], [out.size, p]);
    return out;
  }

  /** Overwrites int32 `order` with a permutation of 0 … n−1. */
  permute(order: Storage, n: number): void {
    this.device.run("randomPermutation", [order.buffer, this.#state.buffer], [n]);
  }
}

function zeroRow(target: Tensor, row: number): void {
  const [rows = 1] = target.shape;
  const width = target.size / rows;
  const zeros = empty(target.device, [width]);
  target.device.run("fill", [zeros.storage.buffer], [width, 0]);
  const params = stridedParams("zeroRow", [width], [[1]]);
  target.device.run(
    "assignStrided",
    [target.storage.buffer, zeros.storage.buffer],
    [params[0] ?? 1, row * width, ...params.slice(1)],
  );
}

function initialState(seed: number, name: string): Int32Array {
  return Int32Array.of(seed | 0, Math.floor(seed / 2 ** 32) | 0, hash(name), 0);
}

/** Each word as its lower and its upper 16 bits. */
const halves = (words: Int32Array): Int32Array =>
  Int32Array.from({ length: 2 * words.length }, (_, i) => ((words[i >> 1] ?? 0) >>> (16 * (i & 1))) & 0xffff);
const wholes = (parts: Int32Array): Int32Array =>
  Int32Array.from({ length: parts.length / 2 }, (_, i) => (parts[2 * i] ?? 0) | ((parts[2 * i + 1] ?? 0) << 16));

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}

let defaultSeed = 0;
let streamsMade = 0;

/** Seeds whatever is drawn without a seed of its own from now on: parameters of modules built by hand, `randn`. */
export function manualSeed(seed: number): void {
  defaultSeed = seed;
  streamsMade = 0;
}

/** The next unnamed stream of the seed given to {@link manualSeed}. */
export function nextStream(device?: Device): RandomStream {
  return new RandomStream(defaultSeed, `unnamed/${streamsMade++}`, device);
}

export const rand = (shape: Shape): Tensor => nextStream().uniform(shape);
export const randn = (shape: Shape): Tensor => nextStream().normal(shape);

/** Uninitialised persistent memory of this shape, for parameters and optimizer state. */
export function persistent(shape: Shape, device: Device = defaultDevice()): Tensor {
  return new Tensor(device.allocatePersistent(Math.max(4, elementCount(shape) * 4)), shape);
}
