/** Weights from a file of another framework, whichever it is: safetensors or ONNX. */
import { z } from "zod";
import type { Weights } from "../engine/nn/module.ts";
import { decodeSafetensors } from "../engine/safetensors.ts";
import { ImportError } from "./import-error.ts";
import { readOnnxWeights } from "./onnx/read-weights.ts";

export interface WeightsFile {
  readonly format: "safetensors" | "onnx";
  readonly weights: ReadonlyMap<string, Weights>;
  /** The model, where the file says it: one that comes from this service. */
  readonly layers: readonly Readonly<Record<string, unknown>>[] | null;
}

const SpecInMetadata = z.looseObject({
  model: z.looseObject({ layers: z.array(z.looseObject({ type: z.string() })) }),
});

/** A safetensors file begins with the length of its header, which is JSON. */
export const isSafetensors = (bytes: Uint8Array): boolean => bytes.length > 9 && bytes[8] === "{".charCodeAt(0);

/** Throws ImportError for bytes that are neither, or that hold no weights. */
export function readWeightsFile(bytes: Uint8Array): WeightsFile {
  const file = read(bytes);
  if (file.weights.size === 0) throw new ImportError([{ path: "", message: "The file holds no weights." }]);
  const bad = [...file.weights].find(([, { data }]) => !data.every(Number.isFinite));
  if (bad) throw new ImportError([{ path: bad[0], message: "holds a value that is no finite number" }]);
  return file;
}

function read(bytes: Uint8Array): WeightsFile {
  try {
    if (!isSafetensors(bytes)) return { format: "onnx", weights: readOnnxWeights(bytes), layers: null };
    const { tensors, metadata } = decodeSafetensors(bytes);
    const weights = Array.from(tensors, ([name, { shape, data }]): [string, Weights] => [
      name,
      { shape, data: data instanceof Float32Array ? data : Float32Array.from(data) },
    ]);
    return { format: "safetensors", weights: new Map(weights), layers: layersIn(metadata["spec"]) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ImportError([{ path: "", message: error.message }]);
  }
}

function layersIn(spec: string | undefined): WeightsFile["layers"] {
  if (spec === undefined) return null;
  try {
    return SpecInMetadata.parse(JSON.parse(spec)).model.layers;
  } catch {
    // Another writer's field of that name.
    return null;
  }
}
