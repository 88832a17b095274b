/**
 * What the builds have in common: each runs only when its sources have changed, which a stamp beside its files tells. Several
 * may run at once: files are written elsewhere and renamed, so that whoever reads one finds it whole.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const STAMP = "sources.sha256";

/** Of the files named, of all in the folders named (paths from the root), and of some text. */
export function hashOf(paths: readonly string[], text = ""): string {
  const hash = createHash("sha256").update(text);
  for (const file of paths.flatMap(filesIn)) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function filesIn(path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** Whether a folder holds these files, built from sources of that hash. */
export function isBuilt(folder: string, hash: string, files: readonly string[]): boolean {
  if (![STAMP, ...files].every((name) => existsSync(join(folder, name)))) return false;
  return readFileSync(join(folder, STAMP), "utf8") === hash;
}

/** Makes a folder hold these files and no others: in their order, and the stamp last. */
export function replaceFiles(folder: string, files: ReadonlyMap<string, string | Uint8Array>, hash: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of files) replaceFile(join(folder, name), contents);
  for (const name of readdirSync(folder))
    if (name !== STAMP && !files.has(name)) rmSync(join(folder, name), { force: true });
  replaceFile(join(folder, STAMP), hash);
}

/** Beside the folder: in it, another build would take the new file for one that has no place there. */
export function replaceFile(file: string, contents: string | Uint8Array): void {
  const beside = `${dirname(file)}.${basename(file)}.${randomUUID()}`;
  writeFileSync(beside, contents);
  renameSync(beside, file);
}
