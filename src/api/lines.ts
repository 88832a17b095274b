/** A streamed body of lines, in blocks of whole lines: as they come, and never more of them than one block in memory. */
import type { Readable } from "node:stream";
import { ProblemError } from "./problems.ts";

export interface LineBlock {
  /** Ends with a line's end, except for the last block of a body that does not. */
  readonly bytes: Buffer;
  /** The number of its first line. */
  readonly line: number;
}

const NEWLINE = 0x0a;

/** The first line of the body is number `first`. Throws a ProblemError for a line of more than `longest` bytes. */
export async function* lineBlocks(body: Readable, longest: number, first: number): AsyncGenerator<LineBlock> {
  let line = first;
  let rest: Buffer[] = [];
  let restBytes = 0;
  // Whoever stops before the end decides what becomes of the rest: a destroyed body would take its connection with it.
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const block = Buffer.concat([...rest, bytes.subarray(0, end)]);
      yield { bytes: block, line };
      line += countLines(block);
      rest = [];
      restBytes = 0;
    }
    if (end < bytes.length) rest.push(bytes.subarray(end));
    restBytes += bytes.length - end;
    if (restBytes > longest)
      throw new ProblemError(
        "too-large",
        `Line ${line} is longer than ${longest} bytes, the most that a line may have.`,
      );
  }
  if (restBytes > 0) yield { bytes: Buffer.concat(rest), line };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
