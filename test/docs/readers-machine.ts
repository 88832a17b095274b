/** Where a page's snippets run: a folder that looks like the project's, a shell in it, and what else the machine has. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasPython, python } from "../python.ts";
import type { S3Server } from "../s3-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

const runs = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: "ignore" }).status === 0;

/** By the word of a page: what is no module of Python. */
const kinds: Readonly<Record<string, (s3: S3Server | null) => boolean>> = {
  python3: hasPython,
  unzip: () => runs("unzip", "-v"),
  SwiftShader: () => existsSync(SWIFTSHADER),
  S3: (s3) => s3 !== null,
};

const found = new Map<string, boolean>();

export function has(need: string, s3: S3Server | null): boolean {
  const known = found.get(need);
  if (known !== undefined) return known;
  const own = kinds[need];
  const there = own
    ? own(s3)
    : runs(python, "-c", `import importlib.util as u, sys; sys.exit(not u.find_spec("${need}"))`);
  found.set(need, there);
  return there;
}

export interface ReadersMachine {
  /** A folder like the project's, as far as pages use it. */
  folder(): Promise<string>;
  /** All that was printed. Variables that one command sets are there for the next in the folder. */
  shell(folder: string, command: string): Promise<string>;
  close(): Promise<void>;
}

/** `npx epochd`, `npx node` and `npm start` as in the project's folder, without npm's second for each; the service ends again. */
const PROGRAMS = {
  npx: `case $1 in
  epochd) shift; exec "${process.execPath}" "${root}bin/launch.mjs" "$@";;
  node) shift; exec "${process.execPath}" "$@";;
esac`,
  npm: `exec "${process.execPath}" "${root}test/docs/start-and-end.ts" "$@"`,
  python3: `exec ${python} "$@"`,
};

export async function readersMachine(url: string, replaced: Readonly<Record<string, string>>): Promise<ReadersMachine> {
  const bin = await mkdtemp(join(tmpdir(), "epochd-pages-bin-"));
  const folders: string[] = [];
  for (const [name, script] of Object.entries(PROGRAMS)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${name === "python3" ? `PATH=\${PATH#*:}\n` : ""}${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env;
  const env = {
    ...inherited,
    PATH: `${bin}${delimiter}${process.env["PATH"]}`,
    EPOCHD_URL: url,
    PYTHONDONTWRITEBYTECODE: "1",
    // Keras says on what it runs, TensorFlow what it can't find.
    TF_CPP_MIN_LOG_LEVEL: "3",
  };
  return {
    async folder() {
      const folder = await mkdtemp(join(tmpdir(), "epochd-page-"));
      folders.push(folder);
      await mkdir(join(folder, "node_modules"));
      await Promise.all([
        symlink(root, join(folder, "node_modules/epochd")),
        symlink(join(root, "examples"), join(folder, "examples")),
        symlink(join(root, "clients"), join(folder, "clients")),
        writeFile(join(folder, "package.json"), '{ "type": "module" }'),
      ]);
      return folder;
    },
    shell(folder, command) {
      let script = `[ -f .variables ] && . ./.variables\n${command}\nstatus=$?\nset | grep -E '^[a-z]+=' | grep -v '^status=' > .variables\n(exit $status)`;
      for (const [shown, real] of Object.entries(replaced)) script = script.replaceAll(shown, real);
      const child = spawn("sh", ["-c", script], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
      let printed = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (chunk: string) => {
          printed += chunk;
        });
      return new Promise((resolve) => child.once("close", () => resolve(printed)));
    },
    async close() {
      await Promise.all([bin, ...folders].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
}
