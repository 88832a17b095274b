/** From resolved layer specs to a Sequential model. */
import { layers } from "./index.ts";
import type { Module } from "./module.ts";
import { withoutDrawing } from "./parameter.ts";
import { Sequential } from "./sequential.ts";

/** A layer's type and its arguments, resolved against its input. */
export interface LayerSpec {
  readonly type: string;
  readonly [argument: string]: unknown;
}

/** Parameters are left unwritten: `seed()` or `loadStateDict()` comes next. */
export function buildModel(specs: readonly LayerSpec[]): Sequential {
  return withoutDrawing(() => new Sequential(...specs.map(buildLayer)));
}

function buildLayer({ type, ...args }: LayerSpec): Module {
  const definition = layers.get(type);
  if (!definition) throw new Error(`Unknown layer ${JSON.stringify(type)}.`);
  return definition.create(definition.args.parse(args));
}
