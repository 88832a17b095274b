/** Puts cells that come one by one, as in text files, together into blocks. */
import { isMissing, parseBoolean, parseNumber } from "../cell.ts";
import { type Block, type BlockColumn, type ColumnHead, cellsOf, rowsPerBlock } from "./block.ts";

/** Text in one block, at most about so many characters. */
const MAX_TEXT = 1024 * 1024;

export class BlockBuilder {
  readonly columns: readonly ColumnBuilder[];
  readonly #capacity: number;
  #rows = 0;

  constructor(heads: readonly ColumnHead[]) {
    this.#capacity = rowsPerBlock(heads);
    this.columns = heads.map((head) => new ColumnBuilder(head, this.#capacity));
  }

  /** Once every column has got the values of a row. Gives a block when there is enough for one. */
  endRow(): Block | undefined {
    this.#rows += 1;
    let text = 0;
    for (const column of this.columns) text += column.text;
    return this.#rows === this.#capacity || text > MAX_TEXT ? this.#take() : undefined;
  }

  /** What is left after the last row. */
  end(): Block | undefined {
    return this.#rows === 0 ? undefined : this.#take();
  }

  #take(): Block {
    const block = { rows: this.#rows, columns: this.columns.map((column) => column.take()) };
    this.#rows = 0;
    return block;
  }
}

/** One column's cells of the block that is being filled. */
export class ColumnBuilder {
  readonly #head: ColumnHead;
  readonly #values: Float64Array;
  #length = 0;
  #codes: Int32Array | null = null;
  #dictionary: string[] = [];
  readonly #codeOf = new Map<string, number>();
  #booleans = true;
  /** Characters of all words so far. */
  text = 0;

  constructor(head: ColumnHead, rows: number) {
    this.#head = head;
    this.#values = new Float64Array(rows * cellsOf(head.shape));
  }

  addNumber(value: number): void {
    this.#values[this.#length++] = value;
    this.#booleans = false;
  }

  addBoolean(value: boolean): void {
    this.#values[this.#length++] = value ? 1 : 0;
  }

  addMissing(): void {
    this.#values[this.#length++] = Number.NaN;
  }

  /** Text as it stands in a file: a number, true or false, a missing value or a word. */
  addText(text: string): void {
    const value = parseNumber(text);
    if (!Number.isNaN(value)) {
      if (this.#booleans) this.#booleans = !Number.isNaN(parseBoolean(text));
      this.#values[this.#length++] = value;
      return;
    }
    if (!isMissing(text)) this.#setWord(text);
    this.addMissing();
  }

  take(): BlockColumn {
    const length = this.#length;
    const block: BlockColumn = {
      ...this.#head,
      values: this.#values.slice(0, length),
      codes: this.#codes?.subarray(0, length) ?? null,
      dictionary: this.#dictionary,
      booleans: this.#booleans,
    };
    this.#length = 0;
    this.#codes = null;
    this.#dictionary = [];
    this.#codeOf.clear();
    this.#booleans = true;
    this.text = 0;
    return block;
  }

  #setWord(text: string): void {
    this.#codes ??= new Int32Array(this.#values.length);
    let code = this.#codeOf.get(text);
    if (code === undefined) {
      code = this.#dictionary.push(text);
      this.#codeOf.set(text, code);
      this.text += text.length;
    }
    this.#codes[this.#length] = code;
  }
}
