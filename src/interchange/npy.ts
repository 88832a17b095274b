/** Arrays for NumPy: the NPY format, of which several make an NPZ. */
import type { TensorData } from "../engine/index.ts";

/** github.com/numpy/numpy, doc/neps/nep-0001-npy-format.rst: a magic word, a header of Python, the numbers. */
export function encodeNpy({ shape, data }: TensorData): Uint8Array<ArrayBuffer> {
  const type = data instanceof Float32Array ? "<f4" : data instanceof Float64Array ? "<f8" : "<i4";
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const start = 10;
  const length = Math.ceil((start + header.length + 1) / 64) * 64 - start;
  const out = new Uint8Array(start + length + data.byteLength);
  out.set([0x93, ...Buffer.from("NUMPY"), 1, 0, length & 255, length >> 8]);
  out.set(Buffer.from(`${header.padEnd(length - 1)}\n`), start);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + length);
  return out;
}
