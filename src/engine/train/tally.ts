/** Sums over an epoch, kept on the device: the loss, and the tables from which metrics are computed. */
import { noGrad } from "../autograd.ts";
import type { Device, Storage } from "../device.ts";
import { type MetricDefinition, metrics, rowsOfTable, type TableKind } from "../metrics/index.ts";
import type { LossDefinition } from "../nn/definition.ts";
import { mul, sum } from "../ops/index.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { createTable, type MetricTable } from "./metric-tables.ts";

export interface TallyResult {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** What was asked for and is no number: the confusion matrix. */
  readonly tables?: Readonly<Record<string, number[][]>>;
}

export class Tally {
  readonly #device: Device;
  readonly #total: Storage;
  /** How much the samples count together, where they have weights. */
  readonly #weight: Storage;
  readonly #wanted: readonly MetricDefinition[];
  readonly #tables: ReadonlyMap<TableKind, MetricTable>;

  /** `output`: the shape of one sample's output; `samples`: how many an epoch may have. */
  constructor(device: Device, loss: LossDefinition, output: Shape, names: readonly string[], samples: number) {
    this.#device = device;
    this.#wanted = names.flatMap((name) => metrics.get(name) ?? []);
    const kinds = new Set(this.#wanted.map(({ from }) => from));
    this.#tables = new Map(Array.from(kinds, (kind) => [kind, createTable(kind, device, loss, output, samples)]));
    this.#total = device.store(new Float64Array(1));
    this.#weight = device.store(new Float64Array(1));
  }

  /** Adds one batch, by instructions alone. Weights are those of its samples; metrics count every sample once. */
  add(loss: Tensor, output: Tensor, target: Tensor, weights?: Tensor): void {
    if (weights) {
      const weight = sum(weights);
      this.#accumulate(this.#total, mul(loss, weight), 1);
      this.#accumulate(this.#weight, weight, 1);
    } else {
      this.#accumulate(this.#total, loss, output.shape[0] ?? 0);
    }
    noGrad(() => {
      for (const table of this.#tables.values()) table.add(output, target);
    });
  }

  #accumulate(total: Storage, value: Tensor, times: number): void {
    this.#device.run("accumulate", [total.buffer, value.storage.buffer], [times]);
  }

  reset(): void {
    const { backend } = this.#device;
    for (const total of [this.#total, this.#weight]) backend.write(total.buffer, new Float64Array(1));
    for (const table of this.#tables.values()) table.reset();
  }

  /** [loss total, weight total, …tables], for a checkpoint in the middle of an epoch. */
  get state(): Float64Array {
    const tables = Array.from(this.#tables.values(), ({ state }) => state);
    const parts = [this.#read(this.#total), this.#read(this.#weight), ...tables];
    const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
  set state(values: Float64Array) {
    const { backend } = this.#device;
    backend.write(this.#total.buffer, values.slice(0, 1));
    backend.write(this.#weight.buffer, values.slice(1, 2));
    let at = 2;
    for (const table of this.#tables.values()) {
      const end = at + table.length;
      table.state = values.slice(at, end);
      at = end;
    }
  }

  /** Mean loss over `samples`, or over the weights that were added; and the metrics by name. */
  result(samples: number): TallyResult {
    const [weight = 0] = this.#read(this.#weight);
    const figures: Record<string, number> = {};
    const tables: Record<string, number[][]> = {};
    for (const { name, from, compute } of this.#wanted) {
      const read = this.#tables.get(from)?.read();
      if (read && compute) figures[name] = compute(read.table, read.width);
      else if (read) tables[name] = rowsOfTable(read.table);
    }
    return {
      loss: (this.#read(this.#total)[0] ?? 0) / (weight > 0 ? weight : samples),
      metrics: figures,
      ...(Object.keys(tables).length > 0 && { tables }),
    };
  }

  #read(from: Storage): Float64Array {
    return this.#device.backend.read(from.buffer, new Float64Array(1));
  }
}
