/**
 * Reads a CSV table as a stream, row by row, in constant memory. Header required; comma, semicolon or tab; LF or CRLF;
 * quotes as in RFC 4180; a byte order mark is ignored, and so are blank lines and spaces around values.
 *
 * Text without a single quote is split directly, which is several times faster; from the first quote on csv-parse reads.
 */
import { type CsvError, type Parser, parse } from "csv-parse";
import { MAX_COLUMNS } from "../blocks/block.ts";
import { parseNumber } from "../cell.ts";
import { DataError, grouped, quoted } from "../data-error.ts";
import { decodeUtf8 } from "../decode-utf8.ts";

/** The longest row, in characters: more is a quote that was never closed. */
const MAX_ROW_LENGTH = 4 * 1024 * 1024;

export interface CsvVisitor {
  header(columns: readonly string[]): void;
  /** `row` counts from 1, without the header. The array is not reused. */
  row(cells: string[], row: number): void;
}

/**
 * Calls the visitor for the header and every row, and pauses now and then: what the visitor has made of the rows can be
 * taken from it. Throws DataError for a table that can't be read.
 */
export async function* readCsv(stream: AsyncIterable<Uint8Array>, visitor: CsvVisitor): AsyncGenerator<void> {
  const rows = new CheckedRows(visitor);
  let splitter: Splitter = new PlainSplitter(rows);
  for await (const text of decodeUtf8(stream)) {
    splitter = await splitter.write(text);
    yield;
  }
  await splitter.end();
  if (rows.columns === 0) throw new DataError("The file is empty; expected a header row with column names, then rows.");
}

/** Takes text as it comes and gives rows on; may hand over to another splitter, which is to be used from then on. */
interface Splitter {
  write(text: string): Promise<Splitter>;
  end(): Promise<void>;
}

/** Text without quotes: cut at line breaks, then at delimiters. */
class PlainSplitter implements Splitter {
  readonly #rows: CheckedRows;
  /** The start of a line whose end has not come yet. */
  #pending = "";
  #delimiter: string | undefined;

  constructor(rows: CheckedRows) {
    this.#rows = rows;
  }

  async write(text: string): Promise<Splitter> {
    this.#pending += text;
    const isFirstLine = this.#delimiter === undefined;
    if (this.#pending.includes('"') || (isFirstLine && isClassicMac(this.#pending))) return this.#handOver();

    const end = this.#pending.lastIndexOf("\n");
    if (end === -1) {
      this.#rows.checkLength(this.#pending.length);
      return this;
    }
    const lines = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + 1);
    this.#split(lines);
    return this;
  }

  async end(): Promise<void> {
    this.#split(this.#pending);
  }

  #split(lines: string): void {
    for (const line of lines.split("\n")) {
      const text = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (this.#delimiter === undefined && text.trim() === "") continue;
      this.#delimiter ??= sniffDelimiter(text);
      const cells = text.split(this.#delimiter);
      if (cells.length > 1 || cells[0]?.trim() !== "") this.#rows.add(cells);
    }
  }

  async #handOver(): Promise<Splitter> {
    const quoted = new QuotedSplitter(this.#rows, this.#delimiter);
    return quoted.write(this.#pending);
  }
}

/** Text with quotes: csv-parse, told of every row as it is found, so that nothing queues up. */
class QuotedSplitter implements Splitter {
  readonly #rows: CheckedRows;
  #parser: Parser | undefined;
  #delimiter: string | undefined;
  /** Text held back until the header is complete, from which the delimiter is seen. */
  #header = "";

  constructor(rows: CheckedRows, delimiter: string | undefined) {
    this.#rows = rows;
    this.#delimiter = delimiter;
  }

  async write(text: string): Promise<Splitter> {
    if (this.#parser !== undefined) {
      await this.#parse(this.#parser, text);
      return this;
    }
    this.#header += text;
    if (this.#delimiter === undefined && headerEnd(this.#header) === -1) {
      this.#rows.checkLength(this.#header.length);
      return this;
    }
    await this.#start();
    return this;
  }

  async end(): Promise<void> {
    const parser = this.#parser ?? (await this.#start());
    await settle((done) => parser.end(done), this.#rows, parser);
  }

  async #start(): Promise<Parser> {
    this.#delimiter ??= sniffDelimiter(this.#header);
    const parser = parse({
      delimiter: this.#delimiter,
      record_delimiter: isClassicMac(this.#header) ? ["\r"] : ["\r\n", "\n"],
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MAX_ROW_LENGTH,
      on_record: (cells: string[]) => {
        this.#rows.add(cells);
        return null;
      },
    });
    parser.resume();
    this.#parser = parser;
    await this.#parse(parser, this.#header);
    this.#header = "";
    return parser;
  }

  #parse(parser: Parser, text: string): Promise<void> {
    return text === "" ? Promise.resolve() : settle((done) => parser.write(text, done), this.#rows, parser);
  }
}

/** Waits for one call on the parser and puts its mistakes into our words. */
function settle(
  call: (done: (error?: Error | null) => void) => void,
  rows: CheckedRows,
  parser: Parser,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(explain(error, rows.columns === 0 ? 0 : rows.count + 1));
    parser.once("error", fail);
    call((error) => {
      if (error) return fail(error);
      parser.off("error", fail);
      resolve();
    });
  });
}

function explain(error: Error & Partial<Pick<CsvError, "code">>, row: number): DataError {
  if (error instanceof DataError) return error;
  const where = row === 0 ? "The header" : `Row ${grouped(row)}`;
  const place = row === 0 ? {} : { row };
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return new DataError(`${where} opens a quote (") that is never closed.`, place);
    case "CSV_MAX_RECORD_SIZE":
      return new DataError(
        `${where} is longer than ${grouped(MAX_ROW_LENGTH)} bytes; is a quote (") not closed?`,
        place,
      );
    case "INVALID_OPENING_QUOTE":
    case "CSV_INVALID_CLOSING_QUOTE":
      return new DataError(
        `${where} has a quote (") inside a value; put the whole value in quotes and double the quote: "5"" pipe".`,
        place,
      );
    default:
      return new DataError(`${where} can't be read as CSV: ${error.message}`, place);
  }
}

/** Rows on their way to the visitor: the first is the header, the others must be as long as it. */
class CheckedRows {
  readonly #visitor: CsvVisitor;
  columns = 0;
  count = 0;

  constructor(visitor: CsvVisitor) {
    this.#visitor = visitor;
  }

  add(cells: string[]): void {
    for (let i = 0; i < cells.length; i++) cells[i] = (cells[i] ?? "").trim();
    if (this.columns === 0) {
      checkHeader(cells);
      this.columns = cells.length;
      this.#visitor.header(cells);
      return;
    }
    this.count += 1;
    if (cells.length !== this.columns) {
      throw new DataError(
        `Row ${grouped(this.count)} has ${plural(cells.length, "value")}, ` +
          `but the header names ${plural(this.columns, "column")}.`,
        { row: this.count },
      );
    }
    this.#visitor.row(cells, this.count);
  }

  checkLength(length: number): void {
    if (length > MAX_ROW_LENGTH) {
      const row = this.columns === 0 ? "The header" : `Row ${grouped(this.count + 1)}`;
      throw new DataError(`${row} is longer than ${grouped(MAX_ROW_LENGTH)} characters; is this a CSV file?`);
    }
  }
}

function checkHeader(names: readonly string[]): void {
  if (names.length > MAX_COLUMNS) {
    throw new DataError(`The file has ${grouped(names.length)} columns, at most ${grouped(MAX_COLUMNS)} are taken.`);
  }
  const looksLikeData = names.every((name, i) => !Number.isNaN(parseNumber(name)) && name !== String(i));
  if (looksLikeData) {
    throw new DataError(
      `The first row holds numbers only (${quoted(names.slice(0, 3).join(","))}); expected a header row with column names.`,
      { row: 0 },
    );
  }
  const seen = new Map<string, number>();
  names.forEach((name, i) => {
    if (name === "") {
      throw new DataError(
        `Column ${i + 1} has no name in the header; every column needs one (pandas: to_csv(index=False)).`,
      );
    }
    const before = seen.get(name);
    if (before !== undefined) {
      throw new DataError(`Columns ${before + 1} and ${i + 1} are both named ${quoted(name)}; names must be unique.`, {
        column: name,
      });
    }
    seen.set(name, i);
  });
}

/** The delimiter that the header uses most, outside quotes; a comma where there is none. */
function sniffDelimiter(text: string): string {
  const end = headerEnd(text);
  const bare = text.slice(0, end === -1 ? text.length : end).replaceAll(/"[^"]*"/g, "");
  const count = (delimiter: string): number => bare.split(delimiter).length - 1;
  return [";", "\t"].reduce((best, next) => (count(next) > count(best) ? next : best), ",");
}

/** Where the first line that is not blank ends, quotes considered; −1 if it does not end in this text. */
function headerEnd(text: string): number {
  let inQuotes = false;
  let blank = true;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') inQuotes = !inQuotes;
    const breaks = c === "\n" || c === "\r";
    if (breaks && !inQuotes && !blank) return i;
    if (!breaks && c !== " " && c !== "\t") blank = false;
  }
  return -1;
}

/** Line breaks of Mac OS 9: a carriage return that no line feed follows anywhere. */
const isClassicMac = (text: string): boolean => !text.includes("\n") && /\r[^\n]/.test(text);

const plural = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
