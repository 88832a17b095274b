/** The tables that metrics are computed from, on the device: what each batch adds is instructions alone. */
import type { TypedArray } from "../backend.ts";
import type { Device, Storage } from "../device.ts";
import { type TableKind, TOP_K } from "../metrics/index.ts";
import type { LossDefinition } from "../nn/definition.ts";
import {
  argmax,
  concat,
  ge,
  gt,
  lt,
  permute,
  pick,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  toFloat,
  toInt,
} from "../ops/index.ts";
import type { Shape } from "../shape.ts";
import { ones, type Tensor } from "../tensor.ts";

export interface MetricTable {
  /** Adds one batch. */
  add(output: Tensor, target: Tensor): void;
  /** Begins a new epoch. */
  reset(): void;
  /** Everything that a checkpoint keeps, always `length` numbers. */
  state: Float64Array;
  readonly length: number;
  /** What metrics are computed from (see TableKind), and how many numbers there are for each target. */
  read(): { readonly table: Float64Array; readonly width: number };
}

/** `output`: the shape of one sample's output; `samples`: the most that are added before the table is reset. */
export function createTable(
  kind: TableKind,
  device: Device,
  loss: LossDefinition,
  output: Shape,
  samples: number,
): MetricTable {
  if (kind === "residuals") return new ResidualTable(device);
  if (kind === "ranks") return new RankTable(device);
  if (kind === "confusion") return new ConfusionTable(device, loss, output);
  return new ScoreTable(device, loss, output, samples);
}

/** Float64 numbers on the device. */
class Sums {
  readonly length: number;
  readonly #storage: Storage;
  constructor(device: Device, length: number) {
    this.length = length;
    this.#storage = device.store(new Float64Array(length));
  }
  get buffer() {
    return this.#storage.buffer;
  }
  get values(): Float64Array {
    return this.#storage.device.backend.read(this.buffer, new Float64Array(this.length));
  }
  set values(values: TypedArray) {
    this.#storage.device.backend.write(this.buffer, values);
  }
  reset(): void {
    this.values = new Float64Array(this.length);
  }
}

class ResidualTable implements MetricTable {
  readonly #device: Device;
  readonly #sums: Sums;
  constructor(device: Device) {
    this.#device = device;
    this.#sums = new Sums(device, 5);
  }
  add(output: Tensor, target: Tensor): void {
    this.#device.run("residuals", [this.#sums.buffer, output.storage.buffer, target.storage.buffer], [output.size]);
  }
  reset(): void {
    this.#sums.reset();
  }
  get length(): number {
    return this.#sums.length;
  }
  get state(): Float64Array {
    return this.#sums.values;
  }
  set state(values: Float64Array) {
    this.#sums.values = values;
  }
  read() {
    return { table: this.state, width: 0 };
  }
}

class ConfusionTable implements MetricTable {
  readonly #device: Device;
  readonly #threshold: number | undefined;
  readonly #classes: number;
  readonly #counts: Sums;
  constructor(device: Device, { targets, threshold }: LossDefinition, output: Shape) {
    this.#device = device;
    this.#threshold = threshold;
    this.#classes = targets === "index" ? (output[0] ?? 1) : 2;
    this.#counts = new Sums(device, this.#classes ** 2);
  }
  add(output: Tensor, target: Tensor): void {
    const { predicted, wanted } = this.#decide(output, target);
    const buffers = [this.#counts.buffer, wanted.storage.buffer, predicted.storage.buffer];
    this.#device.run("confusion", buffers, [predicted.size, this.#classes]);
  }
  /** Class indices (int32) of what was predicted and of what was wanted, in the same order. */
  #decide(output: Tensor, target: Tensor): { predicted: Tensor; wanted: Tensor } {
    if (this.#threshold !== undefined) {
      return { predicted: toInt(ge(output, this.#threshold)), wanted: toInt(ge(target, 0.5)) };
    }
    return { predicted: argmax(output, 1), wanted: classesOf(target) };
  }
  reset(): void {
    this.#counts.reset();
  }
  get length(): number {
    return this.#counts.length;
  }
  get state(): Float64Array {
    return this.#counts.values;
  }
  set state(values: Float64Array) {
    this.#counts.values = values;
  }
  read() {
    return { table: this.state, width: 0 };
  }
}

class RankTable implements MetricTable {
  readonly length = 2;
  readonly #device: Device;
  readonly #targets: Sums;
  readonly #hits: Sums;
  constructor(device: Device) {
    this.#device = device;
    this.#targets = new Sums(device, 1);
    this.#hits = new Sums(device, 1);
  }
  add(output: Tensor, target: Tensor): void {
    const rows = rowsOf(output);
    const [count = 0] = rows.shape;
    const right = reshape(pick(rows, reshape(classesOf(target), [count]), NONE), [count, 1]);
    const hits = sum(lt(sum(gt(rows, right), 1), TOP_K));
    this.#device.run("accumulate", [this.#hits.buffer, hits.storage.buffer], [1]);
    const one = ones([1], { device: this.#device });
    this.#device.run("accumulate", [this.#targets.buffer, one.storage.buffer], [count]);
  }
  reset(): void {
    this.#targets.reset();
    this.#hits.reset();
  }
  get state(): Float64Array {
    return Float64Array.of(...this.#targets.values, ...this.#hits.values);
  }
  set state(values: Float64Array) {
    this.#targets.values = values.slice(0, 1);
    this.#hits.values = values.slice(1);
  }
  read() {
    return { table: this.state, width: 0 };
  }
}

/** Of every target its class and the scores, side by side. */
class ScoreTable implements MetricTable {
  readonly #device: Device;
  readonly #binary: boolean;
  readonly #width: number;
  readonly #capacity: number;
  readonly #rows: Storage;
  readonly #at: Storage;
  constructor(device: Device, { threshold }: LossDefinition, output: Shape, samples: number) {
    const [classes = 1, ...places] = output;
    this.#device = device;
    this.#binary = threshold !== undefined;
    this.#width = this.#binary || classes === 2 ? 2 : classes + 1;
    const targets = this.#binary ? output : places;
    this.#capacity = targets.reduce((a, b) => a * b, samples) * this.#width;
    this.#rows = device.store(new Float32Array(Math.max(1, this.#capacity)));
    this.#at = device.store(new Int32Array(1));
  }
  add(output: Tensor, target: Tensor): void {
    const rows = this.#binary ? scoresOfTwo(output, target) : this.#scores(output, target);
    this.#device.run("storeAt", [this.#rows.buffer, rows.storage.buffer, this.#at.buffer], [rows.size]);
    this.#device.run("advance", [this.#at.buffer], [rows.size]);
  }
  #scores(output: Tensor, target: Tensor): Tensor {
    const outputs = rowsOf(output);
    const [count = 0] = outputs.shape;
    // Of two classes the difference says as much, and loses nothing to rounding near 1.
    const scores = this.#width === 2 ? sub(slice(outputs, 1, 1, 2), slice(outputs, 1, 0, 1)) : softmax(outputs, 1);
    return concat([reshape(toFloat(classesOf(target)), [count, 1]), scores], 1);
  }
  reset(): void {
    this.#device.backend.write(this.#at.buffer, Int32Array.of(0));
  }
  get length(): number {
    return 1 + this.#capacity;
  }
  get #filled(): number {
    return this.#device.backend.read(this.#at.buffer, new Int32Array(1))[0] ?? 0;
  }
  get state(): Float64Array {
    const { backend } = this.#device;
    const state = new Float64Array(this.length);
    state[0] = this.#filled;
    state.set(backend.read(this.#rows.buffer, new Float32Array(this.#capacity)), 1);
    return state;
  }
  set state(values: Float64Array) {
    const { backend } = this.#device;
    backend.write(this.#at.buffer, Int32Array.of(values[0] ?? 0));
    backend.write(this.#rows.buffer, Float32Array.from(values.subarray(1)));
  }
  read() {
    const { backend } = this.#device;
    const table = Float64Array.from(backend.read(this.#rows.buffer, new Float32Array(this.#filled)));
    return { table, width: this.#width };
  }
}

/** No class has this index. */
const NONE = -1;

const scoresOfTwo = (output: Tensor, target: Tensor): Tensor =>
  concat([reshape(ge(target, 0.5), [-1, 1]), reshape(output, [-1, 1])], 1);

/** (N, C, d…) → (N·d…, C) */
const rowsOf = (output: Tensor): Tensor =>
  output.rank === 2
    ? output
    : reshape(permute(output, [0, ...[...output.shape.keys()].slice(2), 1]), [-1, output.shape[1] ?? 1]);

/** Class indices, of probabilities the largest. */
const classesOf = (target: Tensor): Tensor => (target.dtype === "int32" ? target : argmax(target, 1));
