/**
 * Builds the TypeScript client: its types, src/client/contract.ts, from the OpenAPI document that the service answers
 * with; and build/client, what `import "epochd/client"` finds, from src/client. Only when something has changed.
 *
 * Run it (`node scripts/build-client.ts`, `--types` for the types alone) or call `buildClient()`.
 */
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "src/client");
const contract = join(sources, "contract.ts");
const out = join(root, "build/client");
const generator = join(root, "tools/apigen/node_modules/openapi-typescript/bin/cli.js");
const compiler = join(root, "node_modules/typescript/bin/tsc");
const execute = promisify(execFile);

/** Both come with the packages for development; without them there is nothing to build with, and nothing is built. */
export const canBuildClient = (): boolean => existsSync(generator) && existsSync(compiler);

/** What decides what the document says. */
const CONTRACT_SOURCES = [
  ...["api", "jobs", "sweeps", "interchange", "spec", "data", "version.ts"].map((path) => `src/${path}`),
  ...["nn", "losses", "optim", "schedulers", "metrics"].map((folder) => `src/engine/${folder}`),
  ...["scripts/build-client.ts", "package-lock.json"],
];

/** The types of what is sent and answered. */
export async function buildContractTypes(): Promise<{ built: boolean }> {
  const stamp = `// Made by scripts/build-client.ts from the OpenAPI document of the sources ${hashOf(CONTRACT_SOURCES)}.`;
  if (existsSync(contract) && readFileSync(contract, "utf8").startsWith(stamp)) return { built: false };
  const folder = await mkdtemp(join(tmpdir(), "epochd-contract-"));
  try {
    const [document, types] = [join(folder, "openapi.json"), join(folder, "contract.ts")];
    writeFileSync(document, JSON.stringify(await openApiDocument(folder)));
    // A field with a default may be left out of what is sent.
    await execute(process.execPath, [generator, document, "--default-non-nullable=false", "--output", types]);
    replaceFile(contract, `${stamp}\n${readFileSync(types, "utf8")}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { built: true };
}

/** build/client: JavaScript and its declarations. */
export async function buildClient(): Promise<{ built: boolean }> {
  await buildContractTypes();
  const hash = hashOf(["src/client", "scripts/build-client.ts"]);
  const stampFile = join(out, "sources.sha256");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === hash) return { built: false };
  const beside = `${out}.${randomUUID()}`;
  await execute(process.execPath, [compiler, "--project", join(sources, "tsconfig.json"), "--outDir", beside]);
  writeFileSync(join(beside, "sources.sha256"), hash);
  mkdirSync(dirname(out), { recursive: true });
  rmSync(out, { recursive: true, force: true });
  renameSync(beside, out);
  return { built: true };
}

/** Asked of the service itself, which is started for it on a broker of its own. */
async function openApiDocument(folder: string): Promise<unknown> {
  const { readConfig } = await import("../src/config.ts");
  const { startBroker } = await import("../src/broker/start-broker.ts");
  const { openApi } = await import("../src/service/parts.ts");
  const { createLogger } = await import("../src/service/logger.ts");
  const config = readConfig({ DATA_DIR: folder, BROKER: "embedded", PORT: "0", LOG_LEVEL: "silent" });
  const broker = await startBroker(config);
  try {
    const api = await openApi(config, broker, createLogger(config, "api"));
    const document = await fetch(`${api.url}/openapi.json`).then((answer) => answer.json());
    await api.close();
    return document;
  } finally {
    await broker.close();
  }
}

/** Of the files named, and of all in the folders named. */
function hashOf(paths: readonly string[]): string {
  const hash = createHash("sha256");
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

function replaceFile(file: string, contents: string): void {
  const beside = `${file}.${randomUUID()}`;
  writeFileSync(beside, contents);
  renameSync(beside, file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!canBuildClient()) {
    console.log(
      "The client is not built: npm ci installs what builds it, unless it leaves out the packages for development.",
    );
  } else {
    const { built } = process.argv.includes("--types") ? await buildContractTypes() : await buildClient();
    if (built) console.log("Client built.");
  }
}
