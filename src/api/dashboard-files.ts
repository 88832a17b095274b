/** The built dashboard, read once: each file with its type, its tag, and what it weighs less when compressed. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";

/** Where scripts/build-dashboard.ts puts it. */
export const dashboardFolder = new URL("../../build/dashboard/", import.meta.url);

/** By their endings beside a file; the first that a client takes is sent. */
export const ENCODINGS = [
  { name: "br", ending: ".br" },
  { name: "gzip", ending: ".gz" },
] as const;

const TYPES: Record<string, string> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".html": "text/html; charset=utf-8",
};

export interface DashboardFile {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
  /** Its name changes with its contents. */
  readonly immutable: boolean;
  readonly compressed: ReadonlyMap<string, Buffer>;
}

export const etagOf = (body: Buffer): string =>
  `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;

/** By name; empty if the page was not built. */
export async function readDashboard(folder = dashboardFolder): Promise<Map<string, DashboardFile>> {
  const names: string[] = await readdir(folder).catch(() => []);
  const read = (name: string) => readFile(new URL(name, folder));
  const files = names.flatMap((name) => {
    const type = TYPES[extname(name)];
    return type === undefined ? [] : [{ name, type }];
  });
  return new Map(
    await Promise.all(
      files.map(async ({ name, type }) => {
        const body = await read(name);
        const compressed = ENCODINGS.filter(({ ending }) => names.includes(name + ending)).map(
          async (encoding) => [encoding.name, await read(name + encoding.ending)] as const,
        );
        const etag = etagOf(body);
        const immutable = /-[\w-]{8}\.\w+$/.test(name);
        return [name, { type, body, etag, immutable, compressed: new Map(await Promise.all(compressed)) }] as const;
      }),
    ),
  );
}
