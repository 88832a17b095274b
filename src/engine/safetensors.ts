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

const dtypeOf = (data: TypedArray): string =>
  data instanceof Float32Array ? "F32" : data instanceof Int32Array ? "I32" : "F64";

interface DType {
  readonly bytes: number;
  read(bytes: ArrayBuffer): TypedArray;
}

/** The names in files, and what they become: those that the engine has not become float32. */
const dtypes: Readonly<Record<string, DType>> = {
  F32: { bytes: 4, read: (bytes) => new Float32Array(bytes) },
  I32: { bytes: 4, read: (bytes) => new Int32Array(bytes) },
  F64: { bytes: 8, read: (bytes) => new Float64Array(bytes) },
  F16: { bytes: 2, read: (bytes) => Float32Array.from(new Uint16Array(bytes), halfToFloat) },
  BF16: { bytes: 2, read: bfloatsToFloats },
  I64: { bytes: 8, read: (bytes) => Float32Array.from(new BigInt64Array(bytes), Number) },
  I16: { bytes: 2, read: (bytes) => Float32Array.from(new Int16Array(bytes)) },
  I8: { bytes: 1, read: (bytes) => Float32Array.from(new Int8Array(bytes)) },
  U8: { bytes: 1, read: (bytes) => Float32Array.from(new Uint8Array(bytes)) },
  BOOL: { bytes: 1, read: (bytes) => Float32Array.from(new Uint8Array(bytes)) },
};

/** IEEE 754 binary16: one bit of sign, five of exponent, ten of fraction. */
export function halfToFloat(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
export function bfloatsToFloats(bytes: ArrayBuffer): Float32Array<ArrayBuffer> {
  const upper = new Uint16Array(bytes);
  return new Float32Array(Uint32Array.from(upper, (bits) => bits << 16).buffer);
}

/** So many bytes tell how long the header is. */
export const HEADER_PREFIX = 8;
const METADATA = "__metadata__";
const SPACE = 0x20;

export function encodeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: [string, unknown][] = [[METADATA, metadata]];
  let offset = 0;
  // Widest first, so that every tensor starts at a multiple of its element size.
  const ordered = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  for (const [name, { shape, data }] of ordered) {
    header.push([name, { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerLength = Math.ceil(json.length / 8) * 8;
  let at = HEADER_PREFIX + headerLength;
  const out = new Uint8Array(at + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength), true);
  out.set(json, HEADER_PREFIX);
  out.fill(SPACE, HEADER_PREFIX + json.length, at);
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

/** Where the header ends that begins with these bytes. */
export function headerEnd(bytes: Uint8Array): number {
  return HEADER_PREFIX + Number(new DataView(bytes.buffer, bytes.byteOffset, HEADER_PREFIX).getBigUint64(0, true));
}

/** Names and shapes of all tensors, from the header alone. */
export function decodeShapes(bytes: Uint8Array): Map<string, Shape> {
  return new Map(
    Object.entries(headerOf(bytes).entries).flatMap(([name, entry]) => (isEntry(entry) ? [[name, entry.shape]] : [])),
  );
}

/** What the header says besides its tensors. */
export const decodeMetadata = (bytes: Uint8Array): Record<string, string> => headerOf(bytes).metadata;

function headerOf(bytes: Uint8Array): Header {
  return parseHeader(
    new TextDecoder().decode(bytes.subarray(HEADER_PREFIX, headerEnd(bytes))),
    (why) => new Error(`This does not begin as a safetensors file: ${why}.`),
  );
}

/** Throws an Error that says what is wrong when the bytes are cut short or not safetensors. */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const wrong = (why: string): Error => new Error(`This is not a whole safetensors file: ${why}.`);
  if (bytes.length < 8) throw wrong(`${bytes.length} bytes are fewer than its 8-byte length field`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (headerLength > bytes.length - 8)
    throw wrong(`its header claims ${headerLength} bytes, and ${bytes.length - 8} follow`);
  const { metadata, entries } = parseHeader(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)), wrong);
  const body = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, TensorData>();
  for (const [name, entry] of Object.entries(entries)) {
    if (!isEntry(entry)) throw wrong(`its header says of tensor ${name} other than dtype, shape and data_offsets`);
    const {
      dtype,
      shape,
      data_offsets: [from, to],
    } = entry;
    const kind = dtypes[dtype];
    if (!kind) {
      throw new Error(
        `Tensor ${name} has dtype ${dtype}; ${Object.keys(dtypes).join(", ")} can be read. Convert it before saving, for example with .float().`,
      );
    }
    if (to > body.length) throw wrong(`tensor ${name} ends at byte ${to} of ${body.length}`);
    if (to - from !== elementCount(shape) * kind.bytes)
      throw wrong(`tensor ${name} of shape [${shape}] has ${to - from} bytes`);
    // A copy, because a view would need alignment that a received buffer does not promise; and by the constructor,
    // because the slice() of Node's Buffer is a view.
    tensors.set(name, { shape, data: kind.read(new Uint8Array(body.subarray(from, to)).buffer) });
  }
  return { tensors, metadata };
}

function isEntry(entry: unknown): entry is HeaderEntry {
  const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  const areSizes = (values: unknown): values is unknown[] => Array.isArray(values) && values.every(isSize);
  if (!isRecord(entry)) return false;
  const { dtype, shape, data_offsets: offsets } = entry;
  return typeof dtype === "string" && areSizes(shape) && areSizes(offsets) && offsets.length === 2;
}

interface Header {
  readonly metadata: Record<string, string>;
  /** By the names of the tensors. */
  readonly entries: Record<string, unknown>;
}

function parseHeader(json: string, wrong: (why: string) => Error): Header {
  try {
    const header: unknown = JSON.parse(json);
    if (isRecord(header)) {
      const { [METADATA]: metadata, ...entries } = header;
      const texts = isRecord(metadata) ? Object.entries(metadata) : [];
      const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === "string";
      return { metadata: Object.fromEntries(texts.filter(isText)), entries };
    }
  } catch {
    // said below
  }
  throw wrong("its header is not JSON");
}

const isRecord = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object";
