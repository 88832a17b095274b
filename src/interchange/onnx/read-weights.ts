/** The weights of an ONNX file by name: its initializers that hold numbers. What its nodes compute is not looked at. */
import { PbfReader } from "pbf";
import { elementCount } from "../../engine/definitions.ts";
import type { Weights } from "../../engine/nn/module.ts";
import { bfloatsToFloats, halfToFloat } from "../../engine/safetensors.ts";

interface Tensor {
  name: string;
  shape: number[];
  type: number;
  raw: Uint8Array | null;
  floats: number[];
  doubles: number[];
  int32s: number[];
  int64s: number[];
  external: boolean;
}

/** Throws an Error that says what is wrong with bytes that are no ONNX file. */
export function readOnnxWeights(bytes: Uint8Array): Map<string, Weights> {
  const weights = new Map<string, Weights>();
  let graphs = 0;
  let opsets = 0;
  try {
    new PbfReader(bytes).readFields((tag, _, model) => {
      if (tag === 8) opsets++;
      if (tag !== 7) return;
      graphs++;
      model.readMessage((field, _result, graph) => {
        if (field !== 5) return;
        const tensor = graph.readMessage(readField, emptyTensor());
        const data = numbersOf(tensor);
        if (data) weights.set(tensor.name, { shape: tensor.shape, data });
      }, null);
    }, null);
  } catch (cause) {
    if (cause instanceof TensorError) throw cause;
    throw notWhole(bytes, "its messages can't be read", cause);
  }
  if (graphs === 0 || opsets === 0) throw notWhole(bytes, "it has no graph");
  return weights;
}

/** An ONNX file begins with the version of the format: field 1, a number. */
const notWhole = (bytes: Uint8Array, why: string, cause?: unknown): Error =>
  new Error(
    bytes[0] === 8 ? `This is no whole ONNX file: ${why}.` : "This is neither a safetensors nor an ONNX file.",
    { cause },
  );

class TensorError extends Error {}

const emptyTensor = (): Tensor => ({
  name: "",
  shape: [],
  type: 0,
  raw: null,
  floats: [],
  doubles: [],
  int32s: [],
  int64s: [],
  external: false,
});

/** TensorProto (onnx.proto) */
function readField(tag: number, tensor: Tensor, pbf: PbfReader): void {
  if (tag === 1) pbf.readPackedVarint(tensor.shape, true);
  else if (tag === 2) tensor.type = pbf.readVarint();
  else if (tag === 4) pbf.readPackedFloat(tensor.floats);
  else if (tag === 5) pbf.readPackedVarint(tensor.int32s, true);
  else if (tag === 7) pbf.readPackedVarint(tensor.int64s, true);
  else if (tag === 8) tensor.name = pbf.readString();
  else if (tag === 9) tensor.raw = pbf.readBytes();
  else if (tag === 10) pbf.readPackedDouble(tensor.doubles);
  else if (tag === 14) tensor.external = pbf.readVarint() === 1;
}

/** By TensorProto.DataType: how raw bytes are read, and which list holds the numbers otherwise. */
const TYPES: Readonly<
  Record<
    number,
    { readonly raw: (bytes: ArrayBuffer) => ArrayLike<number>; readonly list: (tensor: Tensor) => number[] }
  >
> = {
  1: { raw: (bytes) => new Float32Array(bytes), list: ({ floats }) => floats },
  6: { raw: (bytes) => new Int32Array(bytes), list: ({ int32s }) => int32s },
  7: { raw: (bytes) => Array.from(new BigInt64Array(bytes), Number), list: ({ int64s }) => int64s },
  10: {
    raw: (bytes) => Array.from(new Uint16Array(bytes), halfToFloat),
    list: ({ int32s }) => int32s.map(halfToFloat),
  },
  11: { raw: (bytes) => new Float64Array(bytes), list: ({ doubles }) => doubles },
  16: { raw: bfloatsToFloats, list: ({ int32s }) => [...bfloatsToFloats(Uint16Array.from(int32s).buffer)] },
};

/** Null for what holds no numbers, such as text. */
function numbersOf(tensor: Tensor): Float32Array | null {
  const { name, shape, type, raw, external } = tensor;
  if (external) {
    throw new TensorError(
      `The weight ${JSON.stringify(name)} lies in another file. Save the model as one: onnx.save(model, path, save_as_external_data=False).`,
    );
  }
  const kind = TYPES[type];
  if (!kind) return null;
  let data: Float32Array;
  try {
    data = Float32Array.from(raw ? kind.raw(new Uint8Array(raw).buffer) : kind.list(tensor));
  } catch {
    throw new TensorError(`The weight ${JSON.stringify(name)} has ${raw?.length} bytes, which are no whole numbers.`);
  }
  if (data.length !== elementCount(shape)) {
    throw new TensorError(`The weight ${JSON.stringify(name)} of shape [${shape}] holds ${data.length} numbers.`);
  }
  return data;
}
