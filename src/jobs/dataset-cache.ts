/** Keeps the data sets that were read last, as blocks in memory: jobs on the same data read and decode it once. */
import type { Block } from "../data/index.ts";
import type { Dataset } from "./dataset.ts";
import type { DatasetStore } from "./dataset-store.ts";

interface Kept {
  readonly columns: ReadonlySet<string>;
  readonly blocks: readonly Block[];
  readonly bytes: number;
}

export class DatasetCache {
  readonly #datasets: Pick<DatasetStore, "get" | "open">;
  readonly #limit: number;
  /** By content, the least lately used first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** Holds at most `limit` bytes; a data set that is larger is read for each job. */
  constructor(datasets: Pick<DatasetStore, "get" | "open">, limit: number) {
    this.#datasets = datasets;
    this.#limit = limit;
  }

  /** The columns that `wanted` picks, and perhaps others. Throws ObjectNotFoundError for a data set that is gone. */
  async *open(id: string, wanted: (column: string) => boolean = () => true): AsyncGenerator<Block> {
    const dataset = await this.#datasets.get(id);
    const content = dataset && contentOf(dataset);
    const known = content === null ? undefined : this.#kept.get(content);
    if (content === null || !known || !dataset?.columns.every(({ name }) => known.columns.has(name) || !wanted(name))) {
      yield* this.#read(id, content, wanted);
      return;
    }
    this.#forget(content);
    this.#keep(content, known);
    yield* known.blocks;
  }

  async *#read(id: string, content: string | null, wanted: (column: string) => boolean): AsyncGenerator<Block> {
    const blocks: Block[] = [];
    let bytes = 0;
    for await (const block of this.#datasets.open(id, wanted)) {
      bytes += bytesOf(block);
      if (bytes <= this.#limit) blocks.push(block);
      else blocks.length = 0;
      yield block;
    }
    if (content === null || bytes > this.#limit) return;
    this.#forget(content);
    this.#keep(content, { columns: new Set(blocks[0]?.columns.map(({ name }) => name)), blocks, bytes });
  }

  #keep(content: string, kept: Kept): void {
    this.#kept.set(content, kept);
    this.#bytes += kept.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#forget(oldest);
    }
  }

  #forget(content: string): void {
    this.#bytes -= this.#kept.get(content)?.bytes ?? 0;
    this.#kept.delete(content);
  }
}

/** The same for the same bytes, read as the same columns. */
const contentOf = ({ sha256, content_type, columns }: Dataset): string =>
  JSON.stringify([sha256, content_type, columns.map(({ name }) => name)]);

const bytesOf = ({ columns }: Block): number =>
  columns.reduce((sum, { values, codes, dictionary }) => {
    const words = dictionary.reduce((length, word) => length + 2 * word.length, 0);
    return sum + values.byteLength + (codes?.byteLength ?? 0) + words;
  }, 0);
