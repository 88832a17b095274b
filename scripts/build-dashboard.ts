/**
 * Builds the dashboard: build/dashboard from src/dashboard, only when its sources or the packages in it have changed.
 *
 * Run it (`node scripts/build-dashboard.ts [folder]`) or call `buildDashboard()`.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { dashboardFolder, ENCODINGS } from "../src/api/dashboard-files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "src/dashboard");
const COMPRESS = { br: (bytes: Uint8Array) => brotliCompressSync(bytes), gzip: (bytes: Uint8Array) => gzipSync(bytes) };
/** What the page is made of, or with. */
const PACKAGES = ["vite", "preact", "@preact/signals", "uplot", "eventsource-parser"];

/** Bundles what is out of date. Several processes may do so at once: each writes beside and renames. */
export async function buildDashboard(out = fileURLToPath(dashboardFolder)): Promise<{ built: boolean }> {
  const stamp = join(out, "sources.sha256");
  const hash = hashOfSources();
  if (existsSync(join(out, "index.html")) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash)
    return { built: false };

  const files = await bundle();
  mkdirSync(out, { recursive: true });
  const written = new Set([basename(stamp)]);
  const write = (name: string, contents: string | Uint8Array) => {
    const beside = join(out, `${name}.${randomUUID()}`);
    writeFileSync(beside, contents);
    renameSync(beside, join(out, name));
    written.add(name);
  };
  // The page last: it names the others.
  for (const { name, bytes } of files.sort(
    (a, b) => Number(a.name === "index.html") - Number(b.name === "index.html"),
  )) {
    for (const encoding of ENCODINGS) write(name + encoding.ending, COMPRESS[encoding.name](bytes));
    write(name, bytes);
  }
  for (const name of readdirSync(out)) if (!written.has(name)) rmSync(join(out, name), { force: true });
  write(basename(stamp), hash);
  return { built: true };
}

async function bundle(): Promise<{ name: string; bytes: Uint8Array }[]> {
  const { build } = await import("vite");
  const results = await build({
    root: sources,
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      write: false,
      // What knows light-dark() and nested CSS.
      target: ["chrome123", "firefox121", "safari17.5"],
      // A page that may load only files of this service.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        output: {
          entryFileNames: "assets/dashboard/[name]-[hash:8].js",
          chunkFileNames: "assets/dashboard/[name]-[hash:8].js",
          assetFileNames: ({ names }) =>
            `assets/dashboard/${names[0]?.endsWith(".svg") ? "[name]" : "[name]-[hash:8]"}[extname]`,
        },
      },
    },
  });
  if (!Array.isArray(results) && !("output" in results)) throw new Error("Vite watches instead of building.");
  return [results].flat().flatMap(({ output }) =>
    output.map((file) => ({
      name: basename(file.fileName),
      bytes: Buffer.from(file.type === "chunk" ? file.code : file.source),
    })),
  );
}

function hashOfSources(): string {
  const hash = createHash("sha256").update(readFileSync(fileURLToPath(import.meta.url)));
  for (const entry of readdirSync(sources, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort())
    hash.update(entry.slice(sources.length)).update(readFileSync(entry));
  for (const name of PACKAGES) hash.update(readFileSync(join(root, "node_modules", name, "package.json")));
  return hash.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  const { built } = await buildDashboard(process.argv[2]);
  console.log(built ? `Dashboard built in ${Math.round(performance.now() - started)} ms.` : "Dashboard is up to date.");
}
