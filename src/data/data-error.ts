/** What is wrong with data, and where: one class for every mistake in a table, a body or a prediction's rows. */

export interface DataPlace {
  /** Where in the request, such as `data.inline.inputs[3]`. */
  readonly path?: string;
  /** Which row of the table, counted from 1 without the header. */
  readonly row?: number;
  /** Which column, by its name. */
  readonly column?: string;
}

export class DataError extends Error {
  override readonly name = "DataError";
  readonly path: string | undefined;
  readonly row: number | undefined;
  readonly column: string | undefined;

  /** The message is ready for people and names row and column itself; `place` is for programs. */
  constructor(message: string, place: DataPlace = {}) {
    super(message);
    this.path = place.path;
    this.row = place.row;
    this.column = place.column;
  }
}

/** Text as it stands in a message: quoted, and short even if a cell holds a novel. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

/** 10001 → "10,001" */
export const grouped = (count: number): string => count.toLocaleString("en-US");

/** Data that unpacks to more than is taken. */
export class DataTooLargeError extends Error {
  override readonly name = "DataTooLargeError";

  constructor(limit: number) {
    super(`The dataset is larger than ${limit} bytes, the most that this service takes.`);
  }
}
