/** How `npm start` starts the service, from package.json: what is measured is what people run. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** For Node: its flags, the launcher, `start`. */
export const START: readonly string[] = String(scripts.start)
  .split(" ")
  .slice(1)
  .map((word) => (word.endsWith(".mjs") ? fileURLToPath(new URL(`../${word}`, import.meta.url)) : word));
