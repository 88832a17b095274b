/** What a model costs, layer by layer, as jobs and dry runs tell it. */
import { z } from "zod";

export const ModelSummary = z
  .object({
    parameters: z.int(),
    flops_per_sample: z.number(),
    memory_bytes: z.number(),
    layers: z.array(
      z.object({ name: z.string(), type: z.string(), output_shape: z.array(z.int()), parameters: z.int() }),
    ),
  })
  .meta({ id: "ModelSummary" });
export type ModelSummary = z.infer<typeof ModelSummary>;
