/** Data sets in the object store: the bytes as they came, and beside them what they hold. */
import type { Readable } from "node:stream";
import { analyseCsv } from "../data/csv/analyse-csv.ts";
import { Dataset } from "./dataset.ts";
import { isId, newId } from "./ids.ts";
import { ObjectNotFoundError, type ObjectStore } from "./object-store.ts";

const ROOT = "datasets";
const contentKey = (id: string) => `${ROOT}/${id}/content`;
const factsKey = (id: string) => `${ROOT}/${id}/dataset.json`;

export class DatasetStore {
  private readonly store: ObjectStore;

  constructor(store: ObjectStore) {
    this.store = store;
  }

  /**
   * Streams the bytes to the store and reads them once to know their columns. Throws DataError for bytes that are no
   * table, and whatever the stream throws; then nothing stays behind.
   */
  async create(
    content: AsyncIterable<Uint8Array>,
    about: { name?: string | null; contentType: string },
  ): Promise<Dataset> {
    const id = newId("ds");
    try {
      const stored = await this.store.put(contentKey(id), content);
      const { rows, columns } = await analyseCsv(await this.open(id));
      const dataset = Dataset.parse({
        id,
        name: about.name ?? null,
        created_at: new Date().toISOString(),
        content_type: about.contentType,
        rows,
        columns,
        ...stored,
      });
      // Last: a data set is there once its description is.
      await this.store.put(factsKey(id), Buffer.from(JSON.stringify(dataset)));
      return dataset;
    } catch (error) {
      await this.store.remove(`${ROOT}/${id}`);
      throw error;
    }
  }

  async get(id: string): Promise<Dataset | null> {
    if (!isId("ds", id)) return null;
    try {
      return Dataset.parse(JSON.parse(Buffer.from(await this.store.read(factsKey(id))).toString("utf8")));
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return null;
      throw error;
    }
  }

  /** Newest first. */
  async list(page: {
    limit: number;
    cursor?: string;
    only?: ReadonlySet<string>;
  }): Promise<{ data: Dataset[]; next_cursor: string | null }> {
    const { limit, cursor, only } = page;
    const ids = (await this.store.list(ROOT))
      .filter((key) => key.endsWith("/dataset.json"))
      .map((key) => key.split("/")[1] ?? "")
      .filter((id) => (cursor === undefined || id < cursor) && (only?.has(id) ?? true))
      .reverse();
    const found = await Promise.all(ids.slice(0, limit).map((id) => this.get(id)));
    const data = found.filter((dataset) => dataset !== null);
    return { data, next_cursor: ids.length > limit ? (data.at(-1)?.id ?? null) : null };
  }

  /** The bytes as they were uploaded. Throws ObjectNotFoundError. */
  async open(id: string): Promise<Readable> {
    return this.store.stream(contentKey(id));
  }

  /** Whether there was one to remove. */
  async remove(id: string): Promise<boolean> {
    if (!(await this.get(id))) return false;
    await this.store.remove(`${ROOT}/${id}`);
    return true;
  }
}
