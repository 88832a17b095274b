/** An array that is read some rows at a time: what NPY, NPZ and IDX files have in common. */
import { type BlockColumn, cellsOf } from "../blocks/block.ts";
import { ColumnBuilder } from "../blocks/block-builder.ts";
import { type ByteReader, EndOfBytesError } from "../blocks/byte-reader.ts";
import { DataError, grouped, quoted } from "../data-error.ts";
import { indices } from "../table.ts";
import { type ElementType, numbersOf, textsOf } from "./element-type.ts";

export interface ArrayHead {
  readonly name: string;
  /** Rows, then the shape of one. */
  readonly shape: readonly number[];
  readonly type: ElementType;
  /** The first index runs fastest. */
  readonly fortran: boolean;
}

/** An array whose first index runs fastest is held as a whole, up to so many bytes. */
const MAX_FORTRAN_BYTES = 64 * 1024 * 1024;

export const bytesOf = ({ shape, type }: ArrayHead): number => cellsOf(shape) * type.bytes;

export class ArraySource {
  readonly head: ArrayHead;
  readonly #bytes: ByteReader;
  #row = 0;
  /** All of the array, in its own order. */
  #whole: Buffer | undefined;

  /** `bytes` stands behind the header. */
  constructor(head: ArrayHead, bytes: ByteReader) {
    this.head = head;
    this.#bytes = bytes;
    const { name, shape } = head;
    if (shape.length === 0)
      throw new DataError(`The array ${quoted(name)} is a single value; expected one row per sample.`);
    if (cellsOf(shape) === 0) throw new DataError(`The array ${quoted(name)} of shape (${shape.join(", ")}) is empty.`);
    if (this.#isFortran && bytesOf(head) > MAX_FORTRAN_BYTES) {
      throw new DataError(
        `The array ${quoted(name)} is in Fortran order and larger than ${grouped(MAX_FORTRAN_BYTES)} bytes; ` +
          "save numpy.ascontiguousarray of it.",
      );
    }
  }

  get #isFortran(): boolean {
    return this.head.fortran && this.head.shape.length > 1;
  }

  /** The next rows. Throws DataError for a file that is cut short, and for numbers that are not finite. */
  async next(rows: number): Promise<BlockColumn> {
    const { name, shape, type } = this.head;
    const inner = shape.slice(1);
    const bytes = await this.#take(rows, cellsOf(inner) * type.bytes);
    const from = this.#row;
    this.#row += rows;
    if (type.kind === "U" || type.kind === "S") {
      const column = new ColumnBuilder({ name, shape: inner }, rows);
      for (const text of textsOf(bytes, type)) column.addText(text.trim());
      return column.take();
    }
    const values = numbersOf(bytes, type);
    if (type.kind === "f") {
      const at = values.findIndex((value) => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY);
      if (at >= 0) {
        const width = cellsOf(inner);
        const row = from + Math.floor(at / width) + 1;
        const where = `Row ${grouped(row)} of the array ${quoted(name + indices(at % width, inner))}`;
        throw new DataError(`${where} is infinite; expected finite numbers, or NaN for a missing one.`, {
          row,
          column: name,
        });
      }
    }
    return { name, shape: inner, values, codes: null, dictionary: [], booleans: type.kind === "b" };
  }

  async close(): Promise<void> {
    await this.#bytes.close();
  }

  async #take(rows: number, rowBytes: number): Promise<Buffer> {
    try {
      if (!this.#isFortran) return await this.#bytes.take(rows * rowBytes);
      this.#whole ??= await this.#bytes.take(bytesOf(this.head));
      return this.#rowsOf(this.#whole, rows, rowBytes);
    } catch (error) {
      if (!(error instanceof EndOfBytesError)) throw error;
      const { name, shape } = this.head;
      throw new DataError(
        `The array ${quoted(name)} of shape (${shape.join(", ")}) is cut short: ` +
          `${grouped(bytesOf(this.head))} bytes were expected, and they end after ${grouped(this.#bytes.position)}.`,
      );
    }
  }

  /** Row after row, of an array in which the first index runs fastest and the last slowest. */
  #rowsOf(whole: Buffer, rows: number, rowBytes: number): Buffer {
    const [count = 0, ...inner] = this.head.shape;
    const size = this.head.type.bytes;
    const out = Buffer.alloc(rows * rowBytes);
    const strides = inner.map((_, d) => count * cellsOf(inner.slice(0, d)));
    for (let position = 0; position < rowBytes / size; position++) {
      let rest = position;
      let offset = this.#row;
      for (let d = inner.length - 1; d >= 0; d--) {
        const length = inner[d] ?? 1;
        offset += (rest % length) * (strides[d] ?? 0);
        rest = Math.floor(rest / length);
      }
      for (let row = 0; row < rows; row++) {
        const from = (offset + row) * size;
        whole.copy(out, row * rowBytes + position * size, from, from + size);
      }
    }
    return out;
  }
}
