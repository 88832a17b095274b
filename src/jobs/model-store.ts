/** Imported models in the object store: their weights as safetensors, whatever they came as, and beside them what they are. */
import { createHash } from "node:crypto";
import type { Shape } from "../engine/definitions.ts";
import { isId, newId } from "./ids.ts";
import { ImportedModel } from "./imported-model.ts";
import { ObjectNotFoundError, type ObjectStore } from "./object-store.ts";

const ROOT = "models";
const weightsKey = (id: string) => `${ROOT}/${id}/weights.safetensors`;
const factsKey = (id: string) => `${ROOT}/${id}/model.json`;

export type ModelToStore = Pick<ImportedModel, "format" | "tensors" | "model"> & {
  /** A safetensors file. */
  readonly weights: Uint8Array;
  /** As they came. */
  readonly original: Uint8Array;
};

export class ModelStore {
  private readonly store: ObjectStore;

  constructor(store: ObjectStore) {
    this.store = store;
  }

  async create({ weights, original, ...facts }: ModelToStore, name: string | null): Promise<ImportedModel> {
    const id = newId("mdl");
    const sizes = facts.tensors.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    const model: ImportedModel = {
      id,
      name,
      created_at: new Date().toISOString(),
      ...facts,
      parameters: sizes.reduce((a, b) => a + b, 0),
      bytes: original.byteLength,
      sha256: createHash("sha256").update(original).digest("hex"),
    };
    await this.store.put(weightsKey(id), Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength));
    // Last: a model is there once its description is.
    await this.store.put(factsKey(id), Buffer.from(JSON.stringify(model)));
    return model;
  }

  async get(id: string): Promise<ImportedModel | null> {
    if (!isId("mdl", id)) return null;
    try {
      return ImportedModel.parse(JSON.parse(Buffer.from(await this.store.read(factsKey(id))).toString("utf8")));
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
  }): Promise<{ data: ImportedModel[]; next_cursor: string | null }> {
    const { limit, cursor, only } = page;
    const ids = (await this.store.list(ROOT))
      .filter((key) => key.endsWith("/model.json"))
      .map((key) => key.split("/")[1] ?? "")
      .filter((id) => (cursor === undefined || id < cursor) && (only?.has(id) ?? true))
      .reverse();
    const found = await Promise.all(ids.slice(0, limit).map((id) => this.get(id)));
    const data = found.filter((model) => model !== null);
    return { data, next_cursor: ids.length > limit ? (data.at(-1)?.id ?? null) : null };
  }

  /** Names and shapes, or why there are none. */
  async shapes(id: string): Promise<ReadonlyMap<string, Shape> | string> {
    const model = await this.get(id);
    return model ? new Map(model.tensors.map(({ name, shape }) => [name, shape])) : noSuchModel(id);
  }

  /** Copies the weights to another key. Throws ObjectNotFoundError when they are gone. */
  async copy(id: string, to: string): Promise<void> {
    await this.store.put(to, await this.store.stream(weightsKey(id)));
  }

  /** Whether there was one to remove. */
  async remove(id: string): Promise<boolean> {
    if (!(await this.get(id))) return false;
    await this.store.remove(`${ROOT}/${id}`);
    return true;
  }
}

export const noSuchModel = (id: string): string =>
  `there is no model ${JSON.stringify(id)}; POST /v1/models/import makes one, GET /v1/models lists those that exist`;
