/** A data set as the API shows it; also the form in which the store keeps what it knows about one. */
import { z } from "zod";

export const DatasetColumn = z
  .object({
    name: z.string(),
    shape: z
      .array(z.int())
      .readonly()
      .optional()
      .describe("of one row's value, such as [28, 28]; left out where it is a single one"),
    dtype: z.enum(["number", "integer", "boolean", "string"]),
    min: z.number().nullable(),
    max: z.number().nullable(),
    mean: z.number().nullable(),
    missing: z.int().describe("cells that hold no value"),
    categories: z
      .array(z.string())
      .readonly()
      .nullable()
      .describe("the different values, sorted; null where there are too many"),
    words: z
      .array(z.string())
      .readonly()
      .nullable()
      .optional()
      .describe("the different values that are not numbers, where numbers stand beside them"),
  })
  .meta({ id: "DatasetColumn" });

export const Dataset = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    created_at: z.iso.datetime(),
    content_type: z.string(),
    rows: z.int(),
    columns: z.array(DatasetColumn),
    bytes: z.int().describe("of the upload, unpacked"),
    stored_bytes: z
      .int()
      .optional()
      .describe(
        "of the table that is kept of it, which count against the quota of a key; left out where it is not known",
      ),
    sha256: z.string(),
  })
  .meta({ id: "Dataset" });
export type Dataset = z.infer<typeof Dataset>;
