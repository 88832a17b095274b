/** Models that PyTorch and Keras made (scripts/fixtures/make_imports.py). */
import { readFileSync } from "node:fs";

export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/interchange/${name}`, import.meta.url));
