/** Two processes that want the client build it once, and both find it whole. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { buildContractTypes } from "../../scripts/build-client.ts";

const script = fileURLToPath(new URL("../../scripts/build-client.ts", import.meta.url));
const runScript = (folder: string) => promisify(execFile)(process.execPath, [script, folder]);

test("of two builds at the same time the second waits for the first", async () => {
  await buildContractTypes();
  const folder = await mkdtemp(join(tmpdir(), "client-"));
  try {
    const said = await Promise.all([runScript(folder), runScript(folder)]);
    expect(said.map(({ stdout }) => stdout).toSorted()).toEqual(["", "Client built.\n"]);
    const names = await readdir(folder);
    expect(names).toEqual(expect.arrayContaining(["index.js", "index.d.ts", "sources.sha256"]));
    expect(names.filter((name) => !/^[\w-]+(\.d\.ts|\.js|\.sha256)$/.test(name))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);
