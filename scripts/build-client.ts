/**
 * Builds the TypeScript client: its types, src/client/contract.ts, from the OpenAPI document that the service answers
 * with; and build/client, what `import "epochd/client"` finds, from src/client. Only when something has changed.
 *
 * Run it (`node scripts/build-client.ts [folder]`, `--types` for the types alone) or call `buildClient()`.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DirectoryLockedError, lockDirectory } from "../src/broker/directory-lock.ts";
import { hashOf, isBuilt, replaceFile, replaceFiles, root } from "./stamp.ts";

const sources = join(root, "src/client");
const contract = join(sources, "contract.ts");
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
export const buildContractTypes = (): Promise<{ built: boolean }> => alone(contractTypes);

/** build/client: JavaScript and its declarations. */
export const buildClient = (out = join(root, "build/client")): Promise<{ built: boolean }> => alone(() => client(out));

/** A build takes a core for some time, so one that is asked for meanwhile waits, and finds it done. */
async function alone<T>(build: () => Promise<T>): Promise<T> {
  const folder = join(root, "build/client.lock");
  mkdirSync(folder, { recursive: true });
  const lock = await heldAlone(folder);
  try {
    return await build();
  } finally {
    await lock.release();
  }
}

async function heldAlone(folder: string): ReturnType<typeof lockDirectory> {
  for (;;) {
    try {
      return await lockDirectory(folder);
    } catch (error) {
      if (!(error instanceof DirectoryLockedError)) throw error;
      await sleep(100);
    }
  }
}

async function contractTypes(): Promise<{ built: boolean }> {
  const stamp = `// Made by scripts/build-client.ts from the OpenAPI document of the sources ${hashOf(CONTRACT_SOURCES)}.`;
  if (existsSync(contract) && readFileSync(contract, "utf8").startsWith(stamp)) return { built: false };
  return inTemporaryFolder(async (folder) => {
    const [document, types] = [join(folder, "openapi.json"), join(folder, "contract.ts")];
    writeFileSync(document, JSON.stringify(await openApiDocument(folder)));
    // A field with a default may be left out of what is sent.
    await execute(process.execPath, [generator, document, "--default-non-nullable=false", "--output", types]);
    replaceFile(contract, `${stamp}\n${readFileSync(types, "utf8")}`);
    return { built: true };
  });
}

async function client(out: string): Promise<{ built: boolean }> {
  await contractTypes();
  const hash = hashOf(["src/client", "scripts/build-client.ts"]);
  if (isBuilt(out, hash, ["index.js", "index.d.ts"])) return { built: false };
  return inTemporaryFolder(async (folder) => {
    await execute(process.execPath, [compiler, "--project", join(sources, "tsconfig.json"), "--outDir", folder]);
    replaceFiles(out, new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))])), hash);
    return { built: true };
  });
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "epochd-client-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!canBuildClient()) {
    console.log(
      "The client is not built: npm ci installs what builds it, unless it leaves out the packages for development.",
    );
  } else {
    const [, , argument] = process.argv;
    const { built } = argument === "--types" ? await buildContractTypes() : await buildClient(argument);
    if (built) console.log("Client built.");
  }
}
