/** What the dashboard is built to: small, whole, and from this service alone. */
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildDashboard } from "../../scripts/build-dashboard.ts";

let folder: string;
let names: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "epochd-page-"));
  expect(await buildDashboard(folder)).toEqual({ built: true });
  names = await readdir(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (name: string) => readFile(join(folder, name), "utf8");
const sizeOf = async (ending: string) => {
  const sizes = await Promise.all(
    names.filter((name) => name.endsWith(ending)).map(async (name) => (await stat(join(folder, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
};

test("its scripts are no more than 200 kB, compressed in either way", async () => {
  for (const ending of [".js.br", ".js.gz"]) {
    expect(await sizeOf(ending)).toBeGreaterThan(10_000);
    expect(await sizeOf(ending)).toBeLessThanOrEqual(200_000);
  }
});

test("its page needs no inline script or style, and names only files that are there", async () => {
  const page = await read("index.html");
  const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "");
  for (const link of links.filter((link) => link !== "/docs")) {
    expect(link).toMatch(/^\/assets\/dashboard\//);
    expect(names).toContain(link.replace("/assets/dashboard/", ""));
  }
  expect(page).not.toMatch(/<style|\sstyle=|<script>|\son\w+=/);
});

test("nothing of the service but its types is in it", async () => {
  const scripts = await Promise.all(names.filter((name) => name.endsWith(".js")).map(read));
  expect(scripts.join()).not.toMatch(/ZodError|ioredis|node:fs/);
});

test("it is the same for production, also when tests build it: what they build is what is served", async () => {
  const scripts = await Promise.all(names.filter((name) => name.endsWith(".js")).map(read));
  expect(scripts.some((script) => script.includes("lineNumber:"))).toBe(false);
});

test("it is built again only when its sources have changed", async () => {
  expect(await buildDashboard(folder)).toEqual({ built: false });
  expect(await readdir(folder)).toEqual(names);
});
