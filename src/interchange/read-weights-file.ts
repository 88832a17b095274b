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

const TORCH = "Of a model of PyTorch, save safetensors.torch.save_file(model.state_dict(), path)";
// Of a kernel.T alone, safetensors writes the kernel as it lies in memory, and says nothing.
const KERAS =
  "Of one of Keras, save its arrays by PyTorch's names, the kernel of a Dense transposed: " +
  'safetensors.numpy.save_file({"0.weight": numpy.ascontiguousarray(kernel.T), "0.bias": bias}, path)';

/** What people have instead, by its first bytes, and what to make of it. */
const OTHERS: readonly { readonly begin: readonly number[]; readonly what: string }[] = [
  { begin: [0x50, 0x4b, 3, 4], what: `a zip, as torch.save, Keras and NumPy write them. ${TORCH}. ${KERAS}.` },
  { begin: [0x80, 2], what: `a pickle, which could hold any code, as torch.save wrote them. ${TORCH}.` },
  { begin: [0x89, 0x48, 0x44, 0x46], what: `an HDF5 file, which can't be read here. ${KERAS}.` },
];

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
    const other = OTHERS.find(({ begin }) => begin.every((byte, i) => bytes[i] === byte));
    if (other) throw new Error(`This is ${other.what}`);
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
