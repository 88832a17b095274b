/** What a job's model gives for some of the rows that it is validated with, stored beside its checkpoints. */
import { z } from "zod";

export const predictionsKey = (jobId: string): string => `jobs/${jobId}/predictions.json`;

export const StoredPredictions = z.object({
  rows_of: z
    .enum(["validation", "training"])
    .describe("which rows: those of the training where there is no validation"),
  rows: z.int().describe("how many there are; `outputs` are of some of them, evenly spread, where there are many"),
  epoch: z.int().describe("whole epochs that the weights had been trained for"),
  step: z.int(),
  inputs: z
    .array(z.array(z.union([z.number(), z.string(), z.null()])))
    .optional()
    .describe(
      "the rows in the order of `features`, as a prediction takes them: with what was mapped mapped and what was missing filled in; " +
        "left out where a row has more than 1,024 values",
    ),
  outputs: z.array(z.unknown()).describe("what the last layer gives, one entry per row, to 5 digits"),
  targets: z
    .array(z.unknown())
    .describe("what it should give: a class by its number, or the numbers that the loss compares with"),
});
export type StoredPredictions = z.infer<typeof StoredPredictions>;
