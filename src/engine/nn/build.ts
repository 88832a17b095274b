/** From resolved layer specs to a Sequential model. */
import "./index.ts";
import { withoutDrawing } from "./parameter.ts";
import { buildLayer, type LayerSpec } from "./registry.ts";
import { Sequential } from "./sequential.ts";

export type { LayerSpec } from "./registry.ts";

/** Parameters are left unwritten: `seed()` or `loadStateDict()` comes next. */
export function buildModel(specs: readonly LayerSpec[]): Sequential {
  return withoutDrawing(() => new Sequential(...specs.map(buildLayer)));
}
