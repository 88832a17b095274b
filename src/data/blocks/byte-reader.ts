/** Reads bytes by count from a stream, whatever chunks it comes in. */

/** Takes so many bytes at a time from a stream whose chunks are cut anywhere. */
export class ByteReader {
  readonly #stream: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes taken so far. */
  position = 0;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#stream = stream[Symbol.asyncIterator]();
  }

  async more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#next();
      if (next === undefined) return false;
      this.#rest = next;
    }
    return true;
  }

  /** Throws EndOfBytesError when the stream ends before. The buffer may be a view of what came. */
  async take(length: number): Promise<Buffer> {
    if (this.#rest.length < length) await this.#gather(length);
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    this.position += length;
    return taken;
  }

  async skip(length: number): Promise<void> {
    let left = length;
    while (left > 0 && (await this.more())) left -= (await this.take(Math.min(left, this.#rest.length))).length;
    if (left > 0) throw new EndOfBytesError(left);
  }

  /** Ends a stream that is not read to its end. */
  async close(): Promise<void> {
    await this.#stream.return?.();
  }

  async #gather(length: number): Promise<void> {
    const parts = [this.#rest];
    let found = this.#rest.length;
    while (found < length) {
      const next = await this.#next();
      if (next === undefined) throw new EndOfBytesError(length - found);
      parts.push(next);
      found += next.length;
    }
    this.#rest = Buffer.concat(parts);
  }

  async #next(): Promise<Buffer | undefined> {
    const { done, value } = await this.#stream.next();
    return done ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}

export class EndOfBytesError extends Error {
  override readonly name = "EndOfBytesError";
  readonly missing: number;
  constructor(missing: number) {
    super(`The stream ended ${missing} bytes too early.`);
    this.missing = missing;
  }
}
