/** The types of numbers in NPY and IDX files, and how their bytes become numbers that JavaScript has. */
import type { NumberArray } from "../blocks/block.ts";

export interface ElementType {
  /** NumPy's letters: b (bool), u, i, f, and U, S for text. */
  readonly kind: "b" | "u" | "i" | "f" | "U" | "S";
  readonly bytes: number;
  readonly littleEndian: boolean;
}

/** `<f4` and the like; undefined for what holds no numbers and no text. */
export function elementType(descr: string): ElementType | undefined {
  const [, order = "", kind = "", size = ""] = /^([<>|=])([buifUS])(\d{1,6})$/.exec(descr) ?? [];
  const count = Number(size);
  const littleEndian = order !== ">";
  if ((kind === "U" || kind === "S") && count > 0)
    return { kind, bytes: kind === "U" ? count * 4 : count, littleEndian };
  const known = { b: [1], u: [1, 2, 4, 8], i: [1, 2, 4, 8], f: [2, 4, 8] };
  if (kind !== "b" && kind !== "u" && kind !== "i" && kind !== "f") return undefined;
  return known[kind].includes(count) ? { kind, bytes: count, littleEndian } : undefined;
}

/** Integers of 64 bits become the nearest doubles. */
export function numbersOf(bytes: Buffer, type: ElementType): NumberArray {
  const count = bytes.length / type.bytes;
  if (type.bytes === 1 && type.kind !== "i") return new Uint8Array(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out = new (arrayOf(type))(count);
  const read = reader(view, type);
  for (let i = 0; i < count; i++) out[i] = read(i * type.bytes);
  return out;
}

function arrayOf({ kind, bytes }: ElementType): new (length: number) => NumberArray {
  if (kind === "f") return bytes === 8 ? Float64Array : Float32Array;
  if (bytes === 1 || (bytes === 2 && kind === "i")) return Int16Array;
  return bytes === 2 || (bytes === 4 && kind === "i") ? Int32Array : Float64Array;
}

function reader(view: DataView, { kind, bytes, littleEndian: le }: ElementType): (at: number) => number {
  switch (`${kind}${bytes}`) {
    case "f8":
      return (at) => view.getFloat64(at, le);
    case "f4":
      return (at) => view.getFloat32(at, le);
    case "f2":
      return (at) => halfFloat(view.getUint16(at, le));
    case "i1":
      return (at) => view.getInt8(at);
    case "i2":
      return (at) => view.getInt16(at, le);
    case "i4":
      return (at) => view.getInt32(at, le);
    case "i8":
      return (at) => Number(view.getBigInt64(at, le));
    case "u2":
      return (at) => view.getUint16(at, le);
    case "u4":
      return (at) => view.getUint32(at, le);
    default:
      return (at) => Number(view.getBigUint64(at, le));
  }
}

/** IEEE 754 binary16: a sign, five bits of exponent, ten of fraction. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Text of fixed length, without the zeros that fill it. */
export function textsOf(bytes: Buffer, type: ElementType): string[] {
  return Array.from({ length: bytes.length / type.bytes }, (_, i) => {
    const own = bytes.subarray(i * type.bytes, (i + 1) * type.bytes);
    return (type.kind === "S" ? own.toString("utf8") : codePoints(own, type.littleEndian)).replace(/\0+$/, "");
  });
}

function codePoints(bytes: Buffer, littleEndian: boolean): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const point = littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    text += point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
  }
  return text;
}
