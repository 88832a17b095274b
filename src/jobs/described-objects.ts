/** Things of one kind in the object store, each a folder named by its id with a description that is there last. */
import { isId } from "./ids.ts";
import { ObjectNotFoundError, type ObjectStore } from "./object-store.ts";

export interface Kind<Described> {
  readonly folder: string;
  /** Of the ids. */
  readonly prefix: "ds" | "mdl";
  /** The name of the file. */
  readonly description: string;
  /** Throws for what is none. */
  parse(json: unknown): Described;
}

export interface ObjectsPage {
  readonly limit: number;
  readonly cursor?: string;
  /** None but these. */
  readonly only?: ReadonlySet<string>;
}

export abstract class DescribedObjects<Described extends { readonly id: string }> {
  protected readonly store: ObjectStore;
  readonly #kind: Kind<Described>;

  protected constructor(store: ObjectStore, kind: Kind<Described>) {
    this.store = store;
    this.#kind = kind;
  }

  protected keyOf(id: string, file: string): string {
    return `${this.#kind.folder}/${id}/${file}`;
  }

  /** The last step of making one: it is there once this is. */
  protected async describe(described: Described): Promise<void> {
    const key = this.keyOf(described.id, this.#kind.description);
    await this.store.put(key, Buffer.from(JSON.stringify(described)));
  }

  async get(id: string): Promise<Described | null> {
    if (!isId(this.#kind.prefix, id)) return null;
    try {
      const bytes = await this.store.read(this.keyOf(id, this.#kind.description));
      return this.#kind.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return null;
      throw error;
    }
  }

  /** Newest first. */
  async list({ limit, cursor, only }: ObjectsPage): Promise<{ data: Described[]; next_cursor: string | null }> {
    const { folder, description } = this.#kind;
    const ids = (await this.store.list(folder))
      .filter((key) => key.endsWith(`/${description}`))
      .map((key) => key.split("/")[1] ?? "")
      .filter((id) => (cursor === undefined || id < cursor) && (only?.has(id) ?? true))
      .reverse();
    const page = ids.slice(0, limit);
    const found = await Promise.all(page.map((id) => this.get(id)));
    // What has been removed meanwhile leaves a gap, not the end of the list.
    const data = found.filter((described) => described !== null);
    return { data, next_cursor: ids.length > limit ? (page.at(-1) ?? null) : null };
  }

  /** Whether there was one to remove. */
  async remove(id: string): Promise<boolean> {
    if (!(await this.get(id))) return false;
    await this.removeAll(id);
    return true;
  }

  protected async removeAll(id: string): Promise<void> {
    await this.store.remove(`${this.#kind.folder}/${id}`);
  }
}
