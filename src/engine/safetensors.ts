/** The safetensors format (github.com/huggingface/safetensors): 8-byte header length, JSON header, raw little-endian data. */
import type { TypedArray } from "./backend.ts";
import { elementCount, type Shape } from "./shape.ts";

export interface TensorData<T extends TypedArray = TypedArray> {
  readonly shape: Shape;
  readonly data: T;
}

export interface Safetensors {
  readonly tensors: Map<string, TensorData>;
  readonly metadata: Record<string, string>;
}

const dtypes = { F32: Float32Array, I32: Int32Array, F64: Float64Array } as const;
type DTypeName = keyof typeof dtypes;

const dtypeOf = (data: TypedArray): DTypeName =>
  data instanceof Float32Array ? "F32" : data instanceof Int32Array ? "I32" : "F64";

export function encodeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: [string, unknown][] = [["__metadata__", metadata]];
  let offset = 0;
  // Widest first, so that every tensor starts at a multiple of its element size.
  const ordered = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  for (const [name, { shape, data }] of ordered) {
    header.push([name, { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  let json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padding = (8 - (json.length % 8)) % 8;
  if (padding > 0) json = new TextEncoder().encode(new TextDecoder().decode(json) + " ".repeat(padding));
  const out = new Uint8Array(8 + json.length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  let at = 8 + json.length;
  for (const [, { data }] of ordered) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** So many bytes tell how long the header is. */
export const HEADER_PREFIX = 8;

/** Where the header ends that begins with these bytes. */
export function headerEnd(bytes: Uint8Array): number {
  return HEADER_PREFIX + Number(new DataView(bytes.buffer, bytes.byteOffset, HEADER_PREFIX).getBigUint64(0, true));
}

/** Names and shapes of all tensors, from the header alone. */
export function decodeShapes(bytes: Uint8Array): Map<string, Shape> {
  const header = parseHeader(
    new TextDecoder().decode(bytes.subarray(HEADER_PREFIX, headerEnd(bytes))),
    (why) => new Error(`This does not begin as a safetensors file: ${why}.`),
  );
  return new Map(
    Object.entries(header).flatMap(([name, { shape }]) => (name === "__metadata__" ? [] : [[name, shape] as const])),
  );
}

/** Throws an Error that says what is wrong when the bytes are cut short or not safetensors. */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const wrong = (why: string): Error => new Error(`This is not a whole safetensors file: ${why}.`);
  if (bytes.length < 8) throw wrong(`${bytes.length} bytes are fewer than its 8-byte length field`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (headerLength > bytes.length - 8)
    throw wrong(`its header claims ${headerLength} bytes, and ${bytes.length - 8} follow`);
  const header = parseHeader(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)), wrong);
  const body = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, TensorData>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      metadata = entry as unknown as Record<string, string>;
      continue;
    }
    const {
      dtype,
      shape,
      data_offsets: [from, to],
    } = entry;
    if (dtype !== "F32" && dtype !== "I32" && dtype !== "F64") {
      throw new Error(
        `Tensor ${name} has dtype ${dtype}; F32, I32 and F64 can be read. Convert it before saving, for example with .float().`,
      );
    }
    const kind = dtypes[dtype];
    if (to > body.length) throw wrong(`tensor ${name} ends at byte ${to} of ${body.length}`);
    if (to - from !== elementCount(shape) * kind.BYTES_PER_ELEMENT)
      throw wrong(`tensor ${name} of shape [${shape}] has ${to - from} bytes`);
    // A copy, because a view would need alignment that a received buffer does not promise; and by the constructor,
    // because the slice() of Node's Buffer is a view.
    tensors.set(name, { shape, data: new kind(new Uint8Array(body.subarray(from, to)).buffer) });
  }
  return { tensors, metadata };
}

function parseHeader(json: string, wrong: (why: string) => Error): Record<string, HeaderEntry> {
  try {
    const header: unknown = JSON.parse(json);
    if (header !== null && typeof header === "object") return header as Record<string, HeaderEntry>;
  } catch {
    // said below
  }
  throw wrong("its header is not JSON");
}
