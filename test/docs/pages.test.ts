/** Every page, done as a reader does it: its files written, its commands run, what they print held against what it shows. */
import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildClient } from "../../scripts/build-client.ts";
import { startServiceForClients } from "../client/service-of-the-tests.ts";
import { startS3Server } from "../s3-server.ts";
import { has, type ReadersMachine, readersMachine } from "./readers-machine.ts";
import { matches, snippetsOf } from "./snippets.ts";

const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));
const pages = readdirSync(DOCS, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".md"))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(DOCS, path), "utf8") }))
  .map((page) => ({ ...page, snippets: snippetsOf(page.text) }));

const s3 = await startS3Server();
let service: Awaited<ReturnType<typeof startServiceForClients>>;
let machine: ReadersMachine;
beforeAll(async () => {
  await buildClient();
  service = await startServiceForClients();
  const bucket = await s3?.bucket();
  machine = await readersMachine(service.url, {
    "http://127.0.0.1:3000": service.url,
    ...(bucket && { "S3_BUCKET=epochd": `S3_BUCKET=${bucket.bucket}`, "http://minio:9000": bucket.endpoint ?? "" }),
  });
}, 120_000);
afterAll(async () => {
  await machine?.close();
  await service?.close();
  await s3?.close();
});

describe.each(pages.filter(({ snippets }) => snippets.length > 0))("docs/$path", ({ snippets }) => {
  let folder: string;
  beforeAll(async () => {
    folder = await machine.folder();
  });

  for (const block of snippets) {
    const missing = block.needs.filter((need) => !has(need, s3));
    const what = block.kind === "file" ? block.name : `$ ${block.command.split("\n")[0]}`;
    const name = `line ${block.line}: ${what}${missing.length > 0 ? ` (there is no ${missing.join(", ")} here)` : ""}`;
    test.skipIf(missing.length > 0)(name, { timeout: 120_000 }, async () => {
      if (block.kind === "file") return writeFile(join(folder, block.name), block.content);
      const printed = await machine.shell(folder, block.command);
      if (block.output === null || matches(printed, block.output)) return;
      expect.unreachable(`${block.command}\nis shown to print\n${block.output}\nand printed\n${printed}`);
    });
  }
});

test("the list of guides names each of them, and every link leads somewhere", async () => {
  const list = pages.find(({ path }) => path === "guides/README.md")?.text;
  for (const { path } of pages)
    if (dirname(path) === "guides" && !path.endsWith("README.md")) expect(list).toContain(`](${path.slice(7)})`);
  for (const { path, text } of pages)
    for (const [, link = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      await readFile(join(DOCS, dirname(path), link)).catch(() => expect.unreachable(`${path} links to ${link}`));
});
