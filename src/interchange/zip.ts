/** Several files as one: a zip archive, whose bytes depend on their contents alone. */
import { strToU8, type Zippable, zipSync } from "fflate";

/** The first date that a zip can hold: the same files make the same bytes. */
const NO_DATE = new Date(1980, 0, 1);

/** By path; text is deflated, and numbers, which hardly shrink, are stored. */
export function zip(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(files).map(([path, content]): [string, Zippable[string]] => [
    path,
    typeof content === "string" ? strToU8(content) : [content, { level: 0 }],
  ]);
  return new Uint8Array(zipSync(Object.fromEntries(entries), { mtime: NO_DATE }));
}
