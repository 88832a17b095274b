/** What becomes of a body that is refused before it has been read. */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";

/** How much of a refused body is still read, so that its sender hears the answer instead of a broken pipe. */
const DRAIN_BYTES = 64 * 2 ** 20;
const DRAIN_MS = 5000;

/** Reads what is left of a refused body, within reason; beyond that the connection is closed. */
export async function drain(raw: Readable): Promise<void> {
  let left = DRAIN_BYTES;
  raw.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) raw.destroy();
  });
  raw.resume();
  await finished(raw, { signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => raw.destroy());
}
