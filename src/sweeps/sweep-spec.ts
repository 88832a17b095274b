/** The sweep spec: what `POST /v1/sweeps` takes. */
import { z } from "zod";
import { JobSpec } from "../spec/job-spec.ts";
import { SearchSpaceSchema } from "./search-space.ts";

export const MOST_TRIALS = 10_000;

const RandomStrategy = z
  .strictObject({ type: z.literal("random") })
  .meta({ id: "RandomStrategy", description: "Each trial is drawn by itself, from the seed and its number." });
const GridStrategy = z
  .strictObject({ type: z.literal("grid") })
  .meta({ id: "GridStrategy", description: "Every combination once, the last field of the space fastest." });
const TpeStrategy = z
  .strictObject({
    type: z.literal("tpe"),
    startup_trials: z.int().min(1).max(1000).default(10).meta({ description: "So many are drawn at random first." }),
    candidates: z.int().min(1).max(1000).default(24).meta({ description: "Of so many the most promising is tried." }),
  })
  .meta({
    id: "TpeStrategy",
    description: "Bayesian: near what was good, away from what was not (tree-structured Parzen estimator).",
  });
export const Strategy = z.discriminatedUnion("type", [RandomStrategy, GridStrategy, TpeStrategy]);
export type Strategy = z.infer<typeof Strategy>;
export const STRATEGIES = ["random", "grid", "tpe"] as const;

export const Objective = z
  .strictObject({
    metric: z.string().meta({ description: "loss, val_loss, a metric's name, or val_ and a metric's name." }),
    mode: z.enum(["min", "max"]).optional().meta({ description: "Left out: min for losses and errors, else max." }),
  })
  .meta({ id: "Objective" });
export interface Objective {
  readonly metric: string;
  readonly mode: "min" | "max";
}

export const Asha = z
  .strictObject({
    min_epochs: z.int().min(1).max(1e6).default(1).meta({ description: "The first rung." }),
    reduction_factor: z
      .int()
      .min(2)
      .max(100)
      .default(3)
      .meta({ description: "Each rung has so many times the epochs of the one before, and one of so many trials." }),
  })
  .meta({
    id: "Asha",
    description:
      "Early stopping of trials (asynchronous successive halving): at each rung the best go on, from their checkpoints; the last rung is the base's own `epochs`.",
  });
export type Asha = z.infer<typeof Asha>;

/** All but the base, the space and what follows from them. */
export const SweepSettings = z.strictObject({
  name: z.string().min(1).max(200).nullable().default(null),
  metadata: z.record(z.string().min(1).max(64), z.string().max(500)).default({}),
  strategy: z.union([z.enum(STRATEGIES), Strategy]).default("random"),
  trials: z
    .int()
    .min(1)
    .max(MOST_TRIALS)
    .optional()
    .meta({ description: "How many jobs at most. Left out: 20, or the whole grid." }),
  asha: Asha.nullable().default(null),
  parallel: z
    .int()
    .min(1)
    .max(256)
    .default(16)
    .meta({ description: "So many trials wait or train at once, at most; no more than the workers can take." }),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).meta({ description: "The draws depend on it." }),
});

export const SweepSpec = SweepSettings.extend({
  base: JobSpec.meta({ description: "The spec of every trial, but for the fields of the space." }),
  space: SearchSpaceSchema,
  objective: Objective.optional().meta({
    description:
      "What is the better trial, by its best epoch. Left out: what early stopping monitors, else val_loss, or loss without validation.",
  }),
}).meta({
  id: "SweepSpec",
  description: "One spec, the fields of it that vary, and how to search.",
  examples: [
    {
      name: "moons",
      base: {
        model: {
          layers: [{ type: "Linear", out_features: 16 }, { type: "Tanh" }, { type: "Linear", out_features: 2 }],
        },
        loss: "CrossEntropyLoss",
        optimizer: { type: "Adam", lr: 0.01 },
        epochs: 27,
        data: { builtin: "moons", samples: 300 },
        validation: { split: 0.2 },
        metrics: ["accuracy"],
      },
      space: {
        "optimizer.lr": { log_uniform: [0.001, 0.3] },
        "model.layers[0].out_features": { choice: [8, 16, 32] },
      },
      strategy: "tpe",
      trials: 20,
      asha: { min_epochs: 3, reduction_factor: 3 },
    },
  ],
});

/** A checked sweep, every default filled in; base and space are kept as they were given. */
export interface SweepSpec {
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly strategy: Strategy;
  readonly trials: number;
  readonly asha: Asha | null;
  readonly parallel: number;
  readonly seed: number;
  readonly base: object;
  readonly space: object;
  readonly objective: Objective;
}
