/**
 * Builds the dashboard: build/dashboard from src/dashboard, only when its sources or the packages in it have changed.
 *
 * Run it (`node scripts/build-dashboard.ts [folder]`) or call `buildDashboard()`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { dashboardFolder, ENCODINGS } from "../src/api/dashboard-files.ts";
import { bundleDashboard } from "./bundle-dashboard.ts";
import { hashOf, isBuilt, replaceFiles, root } from "./stamp.ts";

const COMPRESS = { br: (bytes: Uint8Array) => brotliCompressSync(bytes), gzip: (bytes: Uint8Array) => gzipSync(bytes) };
/** What the page is made of, or with. */
const PACKAGES = ["vite", "preact", "@preact/signals", "uplot", "eventsource-parser"];
const SOURCES = [
  "src/dashboard",
  "scripts/build-dashboard.ts",
  "scripts/bundle-dashboard.ts",
  ...PACKAGES.map((name) => `node_modules/${name}/package.json`),
];

/** Bundles what is out of date. Several processes may do so at once. */
export async function buildDashboard(out = fileURLToPath(dashboardFolder)): Promise<{ built: boolean }> {
  const hash = hashOf(SOURCES);
  if (isBuilt(out, hash, ["index.html"])) return { built: false };
  const files = new Map<string, Uint8Array>();
  // The page last: it names the others.
  for (const { name, bytes } of (await bundleDashboard(join(root, "src/dashboard"))).sort(
    (a, b) => Number(a.name === "index.html") - Number(b.name === "index.html"),
  )) {
    for (const encoding of ENCODINGS) files.set(name + encoding.ending, COMPRESS[encoding.name](bytes));
    files.set(name, bytes);
  }
  replaceFiles(out, files, hash);
  return { built: true };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  const { built } = await buildDashboard(process.argv[2]);
  console.log(built ? `Dashboard built in ${Math.round(performance.now() - started)} ms.` : "Dashboard is up to date.");
}
