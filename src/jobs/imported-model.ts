/** Weights that came from elsewhere, as the API shows them; also the form in which the store keeps what it knows of them. */
import { z } from "zod";

export const ImportedModel = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    created_at: z.iso.datetime(),
    format: z.enum(["safetensors", "onnx"]),
    parameters: z.int().describe("Numbers in all tensors."),
    tensors: z.array(z.object({ name: z.string(), shape: z.array(z.int()) })),
    model: z
      .object({ layers: z.array(z.looseObject({ type: z.string() })) })
      .nullable()
      .describe("The layers, where the file says them: those of a model that was exported here."),
    bytes: z.int(),
    sha256: z.string(),
  })
  .meta({ id: "ImportedModel", description: 'Weights to start from: `model.init: { "model_id": "mdl_…" }`.' });
export type ImportedModel = z.infer<typeof ImportedModel>;
