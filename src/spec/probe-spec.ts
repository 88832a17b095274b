/** The `probes` of a spec: inputs at which the model is looked at while it trains, given one by one or as a grid. */
import { z } from "zod";

/** So many inputs are looked at, at most. */
export const MOST_PROBES = 4096;

const everyEpochs = z.int().min(1).max(1e6).optional().meta({
  description:
    "An event before the first epoch, after every so many, and after the last; left out: such that there are about 100.",
});

const ProbeAxis = z
  .strictObject({
    feature: z
      .union([z.string().min(1).max(200), z.int().min(0)])
      .optional()
      .meta({
        description:
          "The column that varies, by name, or by position from 0 where columns have none. Left out: the first that holds numbers, and for y the second.",
      }),
    min: z.number().optional().meta({ description: "Left out: a little below the least value in the data." }),
    max: z.number().optional().meta({ description: "Left out: a little above the greatest value in the data." }),
    points: z
      .int()
      .min(2)
      .max(MOST_PROBES)
      .optional()
      .meta({ description: "How many values from min to max, both included; left out: 40, or 100 for a curve." }),
  })
  .meta({ id: "ProbeAxis" });

const ProbeGrid = z
  .strictObject({
    x: ProbeAxis.prefault({}),
    y: ProbeAxis.nullable()
      .optional()
      .meta({ description: "null: a curve along x alone. Left out: as x, where there is a second column of numbers." }),
    at: z
      .record(z.string().max(200), z.union([z.number(), z.string().max(200)]))
      .optional()
      .meta({
        description:
          "What the other columns hold, by name or position. Left out: the mean of a column, or the first of its words.",
      }),
  })
  .meta({ id: "ProbeGrid" });

export const GridProbes = z
  .strictObject({
    grid: ProbeGrid.meta({
      description: "Points on a line or a plane. x runs fastest: output y · points of x + x is that of point (x, y).",
    }),
    every_epochs: everyEpochs,
  })
  .meta({
    id: "GridProbes",
    examples: [{ grid: {} }, { grid: { x: { min: -2, max: 2 }, y: { points: 20 } }, every_epochs: 5 }],
  });

export const InputProbes = z
  .strictObject({
    inputs: z.array(z.unknown()).min(1).max(MOST_PROBES).meta({
      description: "Rows as they are given for a prediction: arrays in feature order, or objects by column name.",
    }),
    every_epochs: everyEpochs,
  })
  .meta({ id: "InputProbes", examples: [{ inputs: [[0.5, 1]], every_epochs: 10 }] });

export const ProbesSpec = z.union([InputProbes, GridProbes]).meta({
  id: "Probes",
  description:
    "Inputs at which the model is looked at while it trains: each `probe` event holds what it gives for them then, so that a decision boundary or a " +
    "fitted curve can be watched as it grows. Rows are as they are in the data, before preprocessing. The training has the same bits with and without.",
});

const ProbedAxis = z
  .object({ feature: z.union([z.string(), z.int()]), min: z.number(), max: z.number(), points: z.int() })
  .meta({ id: "ProbedAxis" });

/** A grid with all that follows from the data. */
export const ProbedGrid = z
  .object({
    x: ProbedAxis,
    y: ProbedAxis.nullable(),
    at: z.record(z.string(), z.union([z.number(), z.string()])),
  })
  .meta({ id: "ProbedGrid", description: "Points in rows: x runs fastest." });
export type ProbedGrid = z.infer<typeof ProbedGrid>;

/** A checked spec's `probes`. */
export type Probes =
  | { readonly inputs: readonly unknown[]; readonly every_epochs: number }
  | { readonly grid: ProbedGrid; readonly every_epochs: number };
