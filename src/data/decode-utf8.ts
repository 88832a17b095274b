/** Bytes to text, refusing what is not text: the first thing that goes wrong when a spreadsheet is uploaded as CSV. */
import { DataError, grouped } from "./data-error.ts";

/** Text as it arrives; characters split between chunks are put together, and a byte order mark is dropped. */
export async function* decodeUtf8(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  for await (const chunk of stream) {
    if (chunk.includes(0)) {
      throw new DataError(
        "The file holds NUL bytes, so it is not UTF-8 text (a spreadsheet, UTF-16 or a packed file?). Save it as text in UTF-8.",
      );
    }
    yield decode(decoder, chunk, bytes);
    bytes += chunk.length;
  }
  yield decode(decoder, undefined, bytes);
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined, at: number): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw new DataError(
      `The file is not UTF-8 text: bytes near ${grouped(at)} are not valid UTF-8. Save it as UTF-8 (in Excel: "CSV UTF-8").`,
    );
  }
}
