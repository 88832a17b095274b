/**
 * The job spec: what `POST /v1/jobs` takes, one zod schema from which types, checks and OpenAPI follow. Layers, losses,
 * optimizers and metrics come from the engine's definitions, so adding one there adds it here.
 */
import { z } from "zod";
import { DataSpec, ValidationSpec } from "../data/data-spec.ts";
import { layerSchema, losses, metrics, optimizers } from "../engine/definitions.ts";
import { epochs, lr, place } from "./change.ts";
import { specSchedulers } from "./check-scheduler.ts";
import { type Probes, ProbesSpec } from "./probe-spec.ts";

/** What carries a PyTorch class name and its arguments. */
interface Definition {
  readonly type: string;
  readonly summary: string;
  readonly args: z.ZodObject;
}

const Loss = oneOf(losses).meta({ id: "Loss", description: "A loss with arguments." });
const Optimizer = oneOf(optimizers).meta({ id: "Optimizer", description: "An optimizer with arguments." });

const Scheduler = oneOf(specSchedulers).meta({
  id: "Scheduler",
  description: "A learning-rate scheduler with arguments.",
});

export const MAX_LAYERS = 1000;

export const InitFromWeights = z.strictObject({
  weights: z
    .record(z.string(), z.unknown())
    .meta({ description: "Nested arrays by state_dict name; what is not named is drawn from the seed." }),
});

export const InitFromJob = z.strictObject({
  job_id: z
    .string()
    .meta({ description: "A job that has stored weights. They are copied now: it may be deleted afterwards." }),
  checkpoint: z
    .enum(["last", "best"])
    .default("last")
    .meta({ description: "`last`: its newest weights. `best`: those of its best epoch." }),
  only: z.array(z.string().min(1).max(200)).min(1).max(1000).nullable().default(null).meta({
    description:
      'The layers ("0", "2.1") or weights ("0.bias") to take; left out: all. What is not taken is drawn from the seed.',
  }),
});
export type InitFromJob = z.infer<typeof InitFromJob>;

export const InitFromModel = z.strictObject({
  model_id: z
    .string()
    .meta({ description: "An imported model. Its weights are copied now: it may be deleted afterwards." }),
  rename: z.record(z.string().min(1).max(200), z.string().max(200)).default({}).meta({
    description:
      'Layers or weights that have other names there: { "fc1": "0" } takes `fc1.weight` as `0.weight`, { "module": "" } takes `module.0.weight` as that.',
  }),
  only: InitFromJob.shape.only,
});
export type InitFromModel = z.infer<typeof InitFromModel>;

export const ModelInit = z
  .union([InitFromWeights, InitFromJob, InitFromModel])
  .meta({ id: "ModelInit", examples: [{ weights: { "0.bias": [0] } }, { job_id: "job_01jc2v8n6d0000000000000000" }] });

export type ModelInit = z.infer<typeof ModelInit>;

export const Model = z
  .strictObject({
    layers: z.array(layerSchema()).min(1).max(MAX_LAYERS),
    init: ModelInit.nullable().default(null),
  })
  .meta({ id: "Model" });

export const EarlyStopping = z
  .strictObject({
    monitor: z
      .string()
      .default("val_loss")
      .meta({ description: "loss, val_loss, a metric's name, or val_ and a metric's name." }),
    patience: z.int().min(1).max(1e6).default(5).meta({ description: "Epochs without improvement before it ends." }),
    min_delta: z.number().min(0).default(0).meta({ description: "The least change that counts as an improvement." }),
    mode: z.enum(["min", "max"]).optional().meta({ description: "Left out: min for losses and errors, else max." }),
    restore_best: z.boolean().default(true).meta({ description: "End with the best weights rather than the last." }),
  })
  .meta({ id: "EarlyStopping" });

export type EarlyStopping = z.infer<typeof EarlyStopping>;

export const Checkpointing = z
  .strictObject({
    every_epochs: z
      .int()
      .min(1)
      .max(1e6)
      .nullable()
      .default(null)
      .meta({ description: "Left out: every few seconds." }),
  })
  .meta({ id: "Checkpointing" });

/** A change as a spec names it, and as a job tells it. */
export const SpecChange = z
  .strictObject({
    ...place,
    lr: lr.optional(),
    epochs: epochs.optional(),
    early_stopping: EarlyStopping.nullable().optional(),
  })
  .meta({ id: "SpecChange" });
export type SpecChange = z.infer<typeof SpecChange>;

/** What can be asked of a job under way. */
export const JobPatch = z
  .strictObject(
    {
      lr: lr.optional(),
      epochs: epochs.optional(),
      early_stopping: EarlyStopping.nullable()
        .optional()
        .meta({ description: "Replaces the job's early stopping; null ends it." }),
      checkpoint: z.literal("now").optional().meta({ description: "Stores a checkpoint before the next step." }),
    },
    { error: 'expects an object such as { "lr": 0.01 }' },
  )
  .meta({ id: "JobPatch", examples: [{ lr: 0.01 }, { epochs: 200, early_stopping: null }, { checkpoint: "now" }] });
export type JobPatch = z.infer<typeof JobPatch>;

export const Streaming = z
  .strictObject({
    steps: z.boolean().default(false).meta({
      description:
        "Also stream the loss of each step, in `step` events of many steps each: at most 20 events a second.",
    }),
    every_steps: z.int().min(1).max(1e9).default(1).meta({ description: "Only of every so many steps." }),
  })
  .meta({ id: "Streaming" });

const MAX_METADATA = 64;

export const WebhookSpec = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: "expects an http or https URL" })
      .max(2000)
      .refine(
        (url) => !/^https?:\/\/[^/]*@/.test(url),
        "holds a user name or a password, which would be kept in the job's spec",
      )
      .meta({ description: "Gets a POST for each event, signed as Standard Webhooks says. No private addresses." }),
    events: z
      .array(
        z.enum([
          "started",
          "paused",
          "resumed",
          "changed",
          "checkpoint",
          "anomaly",
          "completed",
          "failed",
          "cancelled",
        ]),
      )
      .min(1)
      .default(["completed", "failed", "cancelled"])
      .meta({ description: "Which events it is told." }),
  })
  .meta({ id: "Webhook" });

/** All but the parts whose mistakes need words of their own: model, loss, optimizer, data and validation. */
export const JobSettings = z.strictObject({
  name: z.string().min(1).max(200).nullable().default(null),
  metadata: z
    .record(z.string().min(1).max(64), z.string().max(500))
    .refine((metadata) => Object.keys(metadata).length <= MAX_METADATA, `holds more than ${MAX_METADATA} keys`)
    .default({}),
  epochs: z.int().min(1).max(1e6),
  batch_size: z.int().min(1).max(1e6).default(32),
  shuffle: z.boolean().default(true).meta({ description: "Draw a new order of the rows for every epoch." }),
  drop_last: z.boolean().default(false).meta({ description: "Leave out a last batch that is not full." }),
  seed: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(0)
    .meta({ description: "Weights, order, dropout and split depend on it alone." }),
  metrics: z
    .array(z.enum([...metrics.keys()]))
    .max(16)
    .default([]),
  clip_grad_norm: z.number().gt(0).nullable().default(null),
  clip_grad_value: z.number().gt(0).nullable().default(null),
  accumulate_steps: z.int().min(1).max(10_000).default(1).meta({ description: "Batches averaged into one update." }),
  early_stopping: EarlyStopping.nullable().default(null),
  checkpoint: Checkpointing.nullable().default(null),
  changes: z.array(SpecChange).max(1000).default([]).meta({
    description:
      "What changes during the run, in the order of the steps: the `changes` of another job repeat what was changed there.",
  }),
  stream: Streaming.prefault({}),
  webhook: WebhookSpec.nullable().default(null),
  on_nonfinite: z
    .enum(["stop", "rollback"])
    .default("stop")
    .meta({
      description:
        "What follows a loss that is not a finite number. stop: the job fails and keeps the last finite weights. rollback: it goes back to the " +
        "end of the epoch before and trains on at half the learning rate, 10 times at most.",
    }),
  device: z.enum(["auto", "cpu", "gpu"]).default("auto").meta({
    description:
      "auto: where there is a GPU a few steps are tried on it and on the cpu, and the faster trains the job. gpu: refused if no worker has one.",
  }),
  mode: z.enum(["compiled", "eager"]).default("compiled").meta({ description: "The same numbers, bit for bit." }),
  numerics: z
    .enum(["fast", "strict"])
    .default("fast")
    .meta({ description: "strict gives the same bits on every CPU." }),
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .meta({ description: "The higher one starts first; running jobs go on." }),
  max_runtime_s: z
    .number()
    .gt(0)
    .max(24 * 86_400)
    .nullable()
    .default(null)
    .meta({
      description:
        "Seconds with a worker, after which the job fails and keeps its weights; waiting and pauses do not count.",
    }),
});
export type JobSettings = z.infer<typeof JobSettings>;

export const JobSpec = JobSettings.extend({
  model: Model,
  loss: z.union([z.enum([...losses.keys()]), Loss]),
  optimizer: z.union([z.enum([...optimizers.keys()]), Optimizer]),
  scheduler: z
    .union([z.enum([...specSchedulers.keys()]), Scheduler])
    .nullable()
    .default(null),
  data: DataSpec,
  validation: ValidationSpec.nullable().default(null),
  probes: ProbesSpec.nullable().default(null),
}).meta({
  id: "JobSpec",
  description: "A network, its data and how to train it.",
  examples: [
    {
      name: "xor",
      model: { layers: [{ type: "Linear", out_features: 8 }, { type: "Tanh" }, { type: "Linear", out_features: 2 }] },
      loss: "CrossEntropyLoss",
      optimizer: { type: "Adam", lr: 0.05 },
      epochs: 100,
      data: { builtin: "xor", samples: 200 },
      validation: { split: 0.2 },
      metrics: ["accuracy"],
    },
  ],
});

/** A type and its arguments, all of them filled in. */
export interface Component {
  readonly type: string;
  readonly [argument: string]: unknown;
}

/** A checked spec: defaults filled in, `in_features` and the like resolved, loss and optimizer written out. */
export interface JobSpec extends JobSettings {
  readonly model: { readonly layers: readonly Component[]; readonly init: ModelInit | null };
  readonly loss: Component;
  readonly optimizer: Component;
  /** With `interval` and `warmup_steps` beside the scheduler's own arguments. */
  readonly scheduler: Component | null;
  readonly data: DataSpec;
  readonly validation: ValidationSpec | null;
  /** With all that follows from the data. */
  readonly probes: Probes | null;
}

/** The arguments of every definition, told apart by `type`. */
function oneOf(definitions: ReadonlyMap<string, Definition>) {
  const [first, ...others] = [...definitions.values()].map(({ type, summary, args }) =>
    args.extend({ type: z.literal(type) }).meta({ id: type, description: summary }),
  );
  if (first === undefined) throw new Error("The engine defines nothing to choose from.");
  return z.discriminatedUnion("type", [first, ...others]);
}
