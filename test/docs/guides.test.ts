/** Every guide, done as a reader does it: its files written, its commands run, what they print held against what it shows. */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildClient } from "../../scripts/build-client.ts";
import { startServiceForClients } from "../client/service-of-the-tests.ts";
import { matches, snippetsOf } from "./snippets.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const GUIDES = join(root, "docs/guides");
const ADDRESS = "http://127.0.0.1:3000";
const has = (program: string): boolean => (spawnSync(program, ["--version"]) as SpawnSyncReturns<Buffer>).status === 0;

let service: Awaited<ReturnType<typeof startServiceForClients>>;
let bin: string;
beforeAll(async () => {
  await buildClient();
  service = await startServiceForClients();
  bin = await mkdtemp(join(tmpdir(), "epochd-guides-bin-"));
  // `npx epochd` and `npx node` as in the project's folder, without npm's second for each.
  const words = `case $1 in epochd) shift; exec "${process.execPath}" "${join(root, "src/cli/main.ts")}" "$@";; node) shift; exec "${process.execPath}" "$@";; esac`;
  await writeFile(join(bin, "npx"), `#!/bin/sh\n${words}\n`);
  await chmod(join(bin, "npx"), 0o755);
}, 120_000);
afterAll(async () => {
  await service?.close();
  await rm(bin, { recursive: true, force: true });
});

/** The reader's folder: the project's, as far as guides use it, and their own files. */
async function readersFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "epochd-guide-"));
  await mkdir(join(folder, "node_modules"));
  await Promise.all([
    symlink(root, join(folder, "node_modules/epochd")),
    symlink(join(root, "examples"), join(folder, "examples")),
    symlink(join(root, "clients"), join(folder, "clients")),
    writeFile(join(folder, "package.json"), '{ "type": "module" }'),
  ]);
  return folder;
}

/** Variables that one command sets are there for the next. */
function shell(folder: string, command: string): Promise<string> {
  const script = `[ -f .variables ] && . ./.variables\n${command}\nstatus=$?\nset | grep -E '^[a-z]+=' | grep -v '^status=' > .variables\n(exit $status)`;
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env["PATH"]}`,
    EPOCHD_URL: service.url,
    NO_COLOR: "",
    FORCE_COLOR: "",
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const { FORCE_COLOR: _f, NO_COLOR: _n, ...plain } = env;
  const child = spawn("sh", ["-c", script.replaceAll(ADDRESS, service.url)], { cwd: folder, env: plain });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      printed += chunk;
    });
  return new Promise((resolve) => child.once("close", () => resolve(printed)));
}

const guides = (await readdir(GUIDES)).filter((name) => name.endsWith(".md") && name !== "README.md");

describe.each(guides)("docs/guides/%s", (name) => {
  test("does what it shows", { timeout: 120_000 }, async () => {
    const folder = await readersFolder();
    for (const block of snippetsOf(await readFile(join(GUIDES, name), "utf8"))) {
      if (block.kind === "file") await writeFile(join(folder, block.name), block.content);
      else if (!block.command.includes("python3 ") || has("python3")) {
        const printed = await shell(folder, block.command);
        if (block.output !== null && !matches(printed, block.output))
          expect.unreachable(
            `line ${block.line}: ${block.command}\nis shown to print\n${block.output}\nand printed\n${printed}`,
          );
      }
    }
    await rm(folder, { recursive: true, force: true });
  });
});

test("the list of guides names each of them, and every link leads somewhere", async () => {
  const list = await readFile(join(GUIDES, "README.md"), "utf8");
  for (const name of guides) expect(list).toContain(`](${name})`);
  for (const name of [...guides, "README.md"]) {
    const text = await readFile(join(GUIDES, name), "utf8");
    for (const [, link = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      await readFile(join(GUIDES, link), "utf8").catch(() => expect.unreachable(`${name} links to ${link}`));
  }
});
