/** Bundles the dashboard's page, scripts and styles with Vite, in a process of its own. */
import { basename } from "node:path";
import { answerOrders, inOwnProcess } from "./own-process.ts";

export interface BundledFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Of the sources in `folder`. */
export async function bundleDashboard(folder: string): Promise<BundledFile[]> {
  const files = await inOwnProcess(import.meta.url, { folder });
  if (!Array.isArray(files) || !files.every(isFile)) throw new TypeError("Vite gave no files.");
  return files;
}

const isFile = (file: unknown): file is BundledFile =>
  typeof file === "object" && file !== null && "bytes" in file && file.bytes instanceof Uint8Array;

async function bundle(folder: string): Promise<BundledFile[]> {
  // What a test was started with would give scripts for development: larger, slower, and kept for who starts the service.
  process.env["NODE_ENV"] = "production";
  const { build } = await import("vite");
  const results = await build({
    root: folder,
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

answerOrders(import.meta.url, async (order) => {
  if (typeof order !== "object" || order === null || !("folder" in order)) throw new TypeError("No folder was named.");
  return bundle(String(order.folder));
});
