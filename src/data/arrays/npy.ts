/** NumPy's NPY files (format versions 1 to 3): a header that is a Python literal, then the numbers. */
import { ByteReader, EndOfBytesError } from "../blocks/byte-reader.ts";
import { DataError, quoted } from "../data-error.ts";
import { type ArrayHead, ArraySource } from "./array-source.ts";
import { elementType } from "./element-type.ts";

const MAX_HEADER = 64 * 1024;
const MAX_RANK = 8;

export const isNpy = (head: Uint8Array): boolean => Buffer.from(head).subarray(0, 6).equals(MAGIC);
const MAGIC = Buffer.from("\x93NUMPY", "latin1");

/** Throws DataError for a header that can't be read, and for arrays of other than numbers and text. */
export async function openNpy(stream: AsyncIterable<Uint8Array>, name: string): Promise<ArraySource> {
  const bytes = new ByteReader(stream);
  try {
    return new ArraySource(await readHead(bytes, name), bytes);
  } catch (error) {
    await bytes.close();
    if (!(error instanceof EndOfBytesError)) throw error;
    throw new DataError(`The array ${quoted(name)} is cut short within its header.`);
  }
}

async function readHead(bytes: ByteReader, name: string): Promise<ArrayHead> {
  const start = await bytes.take(8);
  if (!isNpy(start)) throw new DataError(`${quoted(name)} is no NPY file: it does not begin with \\x93NUMPY.`);
  const length = start[6] === 1 ? (await bytes.take(2)).readUInt16LE() : (await bytes.take(4)).readUInt32LE();
  if (length > MAX_HEADER)
    throw new DataError(`The array ${quoted(name)} has a header of ${length} bytes; is it an NPY file?`);
  const header = (await bytes.take(length)).toString("utf8");

  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const sizes = shape?.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  if (!sizes || sizes.some(Number.isNaN) || (descr === undefined && !header.includes("'descr'"))) {
    throw new DataError(`The header of the array ${quoted(name)} can't be read: ${quoted(header)}.`);
  }
  const type = elementType(descr ?? "");
  if (type === undefined) {
    const what =
      descr === undefined ? "records" : /O/.test(descr) ? "Python objects" : `values of type ${quoted(descr)}`;
    throw new DataError(`The array ${quoted(name)} holds ${what}; expected numbers, booleans or text of fixed length.`);
  }
  if (sizes.length > MAX_RANK)
    throw new DataError(`The array ${quoted(name)} has ${sizes.length} dimensions, at most ${MAX_RANK} are taken.`);
  return { name, shape: sizes, type, fortran: /'fortran_order':\s*True/.test(header) };
}
