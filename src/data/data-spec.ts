/** The `data` and `validation` parts of a job spec: where rows come from and what is done to them. */
import { z } from "zod";
import { builtinNames } from "./builtin/builtin-sets.ts";

const shortText = z.string().max(200);

export const Preprocess = z
  .strictObject({
    map: z
      .record(shortText, z.number())
      .refine((map) => Object.keys(map).length <= 1000, "holds more than 1,000 values")
      .optional()
      .meta({
        description:
          'Values of the features to replace by numbers: { "y": 1, "n": 0, "": 0.5 }. "" (or NA, ? …) stands for a missing value.',
      }),
    one_hot: z.array(shortText).min(1).max(10_000).optional().meta({
      description:
        "Columns that become one 0/1 feature per value, in sorted order. A missing or new value gives zeros.",
    }),
    impute: z
      .enum(["mean", "median", "zero"])
      .optional()
      .meta({ description: "What stands for a missing value; without it a missing value is refused." }),
    scale: z
      .number()
      .optional()
      .meta({ description: "A factor for every number, such as 1/255 for the bytes of an image." }),
    standardize: z.boolean().default(false).meta({
      description:
        "Subtract each feature's mean and divide by its standard deviation; constant features are only centred.",
    }),
    shape: z
      .array(z.int().min(1))
      .min(1)
      .max(6)
      .optional()
      .meta({ description: "The shape of one sample for the first layer, such as [1, 28, 28]." }),
  })
  .meta({
    id: "Preprocess",
    description:
      "Steps applied in this order: map, one_hot, impute, scale, standardize, shape. Fitted on the training rows alone, stored with the model and applied again at prediction. One-hot features stay 0 and 1.",
    examples: [{ map: { y: 1, n: 0, "": 0.5 } }, { impute: "median", standardize: true }],
  });
export type Preprocess = z.infer<typeof Preprocess>;

const preprocess = Preprocess.optional();

export const InlineData = z
  .strictObject({
    inline: z
      .strictObject({
        inputs: z.array(z.unknown()).min(1).meta({ description: "One array per sample, nested to any rank." }),
        targets: z
          .array(z.unknown())
          .min(1)
          .meta({ description: "One number, class index, label or array per sample." }),
        weights: z.array(z.unknown()).min(1).optional().meta({
          description:
            "How much each sample counts in the loss, from 0 on; left out: all alike. A batch's loss is Σ w·loss / Σ w, so that a sample of weight 2 counts as two. Metrics count every sample once.",
        }),
      })
      .meta({ description: "The rows themselves." }),
    preprocess,
  })
  .meta({
    id: "InlineData",
    examples: [
      {
        inline: {
          inputs: [
            [0, 0],
            [0, 1],
            [1, 0],
            [1, 1],
          ],
          targets: [0, 1, 1, 0],
        },
      },
    ],
  });

export const DatasetData = z
  .strictObject({
    dataset_id: z.string().min(1).max(100).meta({ description: "An uploaded data set." }),
    features: z
      .array(shortText)
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: "The input columns, in this order; left out: every column but target and weight." }),
    target: shortText.min(1).meta({ description: "The column to predict." }),
    weight: shortText.min(1).optional().meta({
      description:
        "A column with how much each row counts in the loss, from 0 on; left out: all alike. Metrics count every row once.",
    }),
    preprocess,
  })
  .meta({ id: "DatasetData", examples: [{ dataset_id: "ds_01k…", target: "species" }] });

export const MAX_SAMPLES = 100_000;

export const BuiltinData = z
  .strictObject({
    builtin: z.enum(builtinNames).meta({ description: "A generated set, or one of the classic files." }),
    samples: z.int().min(4).max(MAX_SAMPLES).optional().meta({ description: "How many rows to generate." }),
    noise: z
      .number()
      .min(0)
      .max(1e6)
      .optional()
      .meta({ description: "Standard deviation of the noise of a generated set." }),
    seed: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .meta({ description: "Seed of a generated set; 0 if left out." }),
    preprocess,
  })
  .meta({ id: "BuiltinData", examples: [{ builtin: "moons", samples: 500, noise: 0.1, seed: 0 }] });

export const DataSpec = z.union([InlineData, DatasetData, BuiltinData]).meta({
  id: "Data",
  description: "Where the rows come from: in the request, from an uploaded data set, or built in.",
});
export type DataSpec = z.infer<typeof DataSpec>;
export type BuiltinOptions = Pick<z.infer<typeof BuiltinData>, "builtin" | "samples" | "noise" | "seed">;

export const ValidationSplit = z
  .strictObject({
    split: z
      .number()
      .gt(0)
      .lt(1)
      .meta({ description: "The fraction of the rows kept for validation, drawn by the job's seed." }),
  })
  .meta({ id: "ValidationSplit", examples: [{ split: 0.2 }] });

/** The forms of `data`; preprocessing is that of `data`, and so are features, target and weight where they are left out. */
export const ValidationInline = InlineData.omit({ preprocess: true }).meta({ id: "ValidationInline" });
export const ValidationDataset = DatasetData.omit({ preprocess: true })
  .extend({
    target: shortText.min(1).optional(),
    weight: shortText
      .min(1)
      .nullable()
      .optional()
      .meta({ description: "A column with how much each row counts; left out: that of data; null: all alike." }),
  })
  .meta({ id: "ValidationDataset" });
export const ValidationBuiltin = BuiltinData.omit({ preprocess: true }).meta({ id: "ValidationBuiltin" });

export const ValidationSpec = z
  .union([ValidationSplit, ValidationInline, ValidationDataset, ValidationBuiltin])
  .meta({ id: "Validation", description: "Rows that are not trained on: a part of the data, or other data." });
export type ValidationSpec = z.infer<typeof ValidationSpec>;
