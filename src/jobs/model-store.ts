/** Imported models in the object store: their weights as safetensors, whatever they came as, and beside them what they are. */
import { createHash } from "node:crypto";
import type { Shape } from "../engine/definitions.ts";
import { DescribedObjects } from "./described-objects.ts";
import { newId } from "./ids.ts";
import { ImportedModel } from "./imported-model.ts";
import type { ObjectStore } from "./object-store.ts";

const WEIGHTS = "weights.safetensors";

export type ModelToStore = Pick<ImportedModel, "format" | "tensors" | "model"> & {
  /** A safetensors file. */
  readonly weights: Uint8Array;
  /** As they came. */
  readonly original: Uint8Array;
};

export class ModelStore extends DescribedObjects<ImportedModel> {
  constructor(store: ObjectStore) {
    super(store, {
      folder: "models",
      prefix: "mdl",
      description: "model.json",
      parse: (json) => ImportedModel.parse(json),
    });
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
    const content = Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength);
    await this.store.put(this.keyOf(id, WEIGHTS), content);
    await this.describe(model);
    return model;
  }

  /** Names and shapes, or why there are none. */
  async shapes(id: string): Promise<ReadonlyMap<string, Shape> | string> {
    const model = await this.get(id);
    return model ? new Map(model.tensors.map(({ name, shape }) => [name, shape])) : noSuchModel(id);
  }

  /** Copies the weights to another key. Throws ObjectNotFoundError when they are gone. */
  async copy(id: string, to: string): Promise<void> {
    await this.store.put(to, await this.store.stream(this.keyOf(id, WEIGHTS)));
  }
}

export const noSuchModel = (id: string): string =>
  `there is no model ${JSON.stringify(id)}; POST /v1/models/import makes one, GET /v1/models lists those that exist`;
