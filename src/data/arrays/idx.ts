/** IDX files, as MNIST is given out: two zeros, a type, the rank, the sizes, then the numbers, all big-endian. */
import { ByteReader, EndOfBytesError } from "../blocks/byte-reader.ts";
import { DataError, quoted } from "../data-error.ts";
import { ArraySource } from "./array-source.ts";
import { elementType } from "./element-type.ts";

const types = new Map([
  [0x08, "|u1"],
  [0x09, "|i1"],
  [0x0b, ">i2"],
  [0x0c, ">i4"],
  [0x0d, ">f4"],
  [0x0e, ">f8"],
]);

export const isIdx = (head: Uint8Array): boolean =>
  head[0] === 0 && head[1] === 0 && types.has(head[2] ?? 0) && (head[3] ?? 0) >= 1 && (head[3] ?? 9) <= 8;

/** Throws DataError for a header that can't be read. */
export async function openIdx(stream: AsyncIterable<Uint8Array>, name: string): Promise<ArraySource> {
  const bytes = new ByteReader(stream);
  try {
    const start = await bytes.take(4);
    const type = elementType(types.get(start[2] ?? 0) ?? "");
    if (!isIdx(start) || type === undefined) {
      throw new DataError(
        `${quoted(name)} is no IDX file: it begins with ${start.toString("hex")}, expected 0000, a type and a rank.`,
      );
    }
    const sizes = await bytes.take(4 * (start[3] ?? 0));
    const shape = Array.from({ length: sizes.length / 4 }, (_, i) => sizes.readUInt32BE(i * 4));
    return new ArraySource({ name, shape, type, fortran: false }, bytes);
  } catch (error) {
    await bytes.close();
    if (!(error instanceof EndOfBytesError)) throw error;
    throw new DataError(`The array ${quoted(name)} is cut short within its header.`);
  }
}
