/** A file that lies ready to be read, in any order. */
export interface SourceFile {
  /** What its sender calls it; a column of this name is made of an array. */
  readonly name: string;
  readonly bytes: number;
  /** All of it, or the bytes from `start` on and before `end`. */
  open(range?: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>;
}
