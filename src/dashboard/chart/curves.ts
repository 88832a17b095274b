/** The epochs of a run in columns: filled from its history, then by each epoch event. */
import type { EpochEvent, History } from "../service/jobs.ts";
import { label } from "../shared/format.ts";
import type { Columns, Curve } from "./chart.ts";

type Column = (number | null)[];

export class Curves {
  readonly epochs: number[] = [];
  readonly loss: Column = [];
  readonly validation: Column = [];
  readonly metrics = new Map<string, Column>();

  static from(history: History): Curves {
    const curves = new Curves();
    curves.epochs.push(...history.epoch);
    curves.loss.push(...history.loss);
    curves.validation.push(...history.val_loss);
    for (const [name, column] of Object.entries(history.metrics)) curves.metrics.set(name, [...column]);
    for (const [name, column] of Object.entries(history.val_metrics)) curves.metrics.set(`val_${name}`, [...column]);
    return curves;
  }

  add(event: EpochEvent): void {
    const position = this.epochs.push(event.epoch) - 1;
    this.loss.push(event.loss);
    this.validation.push(event.val_loss ?? null);
    const figures = [
      ...Object.entries(event.metrics),
      ...Object.entries(event.val_metrics ?? {}).map(([name, value]) => [`val_${name}`, value] as const),
    ];
    for (const [name, value] of figures) {
      const column = this.metrics.get(name) ?? new Array<number | null>(position).fill(null);
      column.push(value);
      this.metrics.set(name, column);
    }
  }

  lossChart(): { curves: Curve[]; columns: Columns } {
    const curves: Curve[] = [{ label: "loss", color: "--loss" }];
    const columns: Columns = [this.epochs, this.loss];
    if (this.validation.some((value) => value !== null)) {
      curves.push({ label: "validation loss", color: "--validation" });
      columns.push(this.validation);
    }
    return { curves, columns };
  }

  metricChart(): { curves: Curve[]; columns: Columns } {
    const names = [...this.metrics.keys()].sort();
    return {
      curves: names.map((name, i) => ({
        label: label(name),
        color: name.startsWith("val_") ? "--validation" : "--loss",
        dashed: names.slice(0, i).filter((before) => before.startsWith("val_") === name.startsWith("val_")).length > 0,
      })),
      columns: [this.epochs, ...names.map((name) => this.metrics.get(name) ?? [])],
    };
  }
}
