/**
 * The service. `npm start` runs all of it, `npm start -- --api` and `npm start -- --worker` one part of it.
 * Whatever prevents the start is told in one line.
 */
import { BrokerError } from "./broker/broker.ts";
import { DirectoryLockedError } from "./broker/directory-lock.ts";
import { ConfigError, readConfig } from "./config.ts";
import { ObstacleError, type Part, type Running, runKeys, runPart } from "./service/parts.ts";
import { runService } from "./service/run-service.ts";
import { showConfig } from "./service/show-config.ts";

/** Longer than a worker needs to write its last checkpoints, shorter than people wait. */
const STOP_MS = 4500;

const USAGE =
  "npm start runs the whole service; npm start -- --api and npm start -- --worker run one part of it; " +
  "npm start -- config shows the configuration; npm start -- keys create <name> makes an API key";

// A terminal that was closed is no reason to end in disorder.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

// Node's own warnings that something is experimental say nothing that a person could act on.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name !== "ExperimentalWarning") console.warn(warning.stack ?? warning.message);
});

try {
  const args = process.argv.slice(2);
  const config = readConfig(process.env);
  if (args[0] === "config" && args.length === 1) {
    console.log(showConfig(process.env));
    process.exit(0);
  }
  if (args[0] === "keys") {
    console.log((await runKeys(config, args.slice(1))).join("\n"));
    process.exit(0);
  }
  const part = partOf(args);
  const running = part === "all" ? await runService(config) : await runPart(part, config);
  endOnSignal(running);
} catch (error) {
  console.error(lineFor(error));
  process.exit(1);
}

function partOf(args: readonly string[]): Part | "all" {
  if (args.length === 0) return "all";
  if (args.length === 1 && args[0] === "--api") return "api";
  if (args.length === 1 && args[0] === "--worker") return "worker";
  throw new ConfigError(`unknown arguments "${args.join(" ")}": ${USAGE}`);
}

/** Ctrl-C, docker stop, the end of a parent: each time the same end in order, once. */
function endOnSignal(running: Running): void {
  let ending = false;
  const end = async (code: number) => {
    if (ending) return;
    ending = true;
    const late = setTimeout(() => {
      console.error(`The service did not end within ${STOP_MS / 1000} s.`);
      process.exit(1);
    }, STOP_MS);
    try {
      await running.close();
    } catch (error) {
      console.error(lineFor(error));
      code = 1;
    }
    clearTimeout(late);
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void end(0));
  // A part that was started by the service does not outlive it, even if that was killed with -9.
  if (process.connected) process.on("disconnect", () => void end(0));
  void running.lost.then((reason) => {
    console.error(reason);
    void end(1);
  });
}

/** People can do something about these; anything else is a mistake in the program, and its stack helps to find it. */
function lineFor(error: unknown): string {
  const known =
    error instanceof ConfigError ||
    error instanceof BrokerError ||
    error instanceof DirectoryLockedError ||
    error instanceof ObstacleError;
  if (known) return `epochd can't start: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
