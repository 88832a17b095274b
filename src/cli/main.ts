/** `epochd train spec.json --data x.csv` and the other commands that ask a running service for something. */
import { parseArgs } from "node:util";
import { ProblemError, UnreachableError } from "../client/index.ts";
import { nearest } from "../data/nearest-name.ts";
import { commands } from "./commands.ts";
import { COMMON_FLAGS, type Command, UsageError } from "./options.ts";

/** What the service itself is started and managed with; src/main.ts does these. */
const OF_THE_SERVICE = {
  start: "run the whole service; --api or --worker for a part",
  keys: "make, list, limit and revoke API keys: create NAME, list, limit ID, revoke ID",
  config: "show the configuration, secrets hidden",
};

// A reader that has seen enough, such as head, is no mistake.
process.stdout.on("error", () => process.exit(0));

process.exitCode = await main(process.argv.slice(2));

async function main([word, ...rest]: readonly string[]): Promise<number> {
  if (word === undefined || word === "help" || word === "--help" || word === "-h") {
    const command = commands.get(rest[0] ?? "");
    console.log(command ? helpOf(command) : overview());
    return 0;
  }
  if (word === "--version" || word === "-v") {
    console.log((await import("../version.ts")).VERSION);
    return 0;
  }
  try {
    const command = commands.get(word);
    if (!command)
      throw new UsageError(
        `unknown command "${word}"${nearest(word, [...commands.keys(), ...Object.keys(OF_THE_SERVICE)])}`,
      );
    const call = readCall(command, rest);
    if (call.flags["help"] === true) {
      console.log(helpOf(command));
      return 0;
    }
    return (await command.run(call)) ?? 0;
  } catch (error) {
    return tell(error, word);
  }
}

function readCall(command: Command, args: readonly string[]) {
  const flags = { ...command.flags, ...COMMON_FLAGS };
  const options = Object.fromEntries(
    Object.keys(flags).map((flag) => {
      const [name = "", value] = flag.split("=");
      return [name, { type: value === undefined ? ("boolean" as const) : ("string" as const) }];
    }),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    return { flags: values, words: positionals };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const unknown = /^Unknown option '--?([^']+)'/.exec(error.message)?.[1];
    const said = unknown ? `unknown option --${unknown}${nearest(unknown, Object.keys(options))}` : error.message;
    throw new UsageError(said);
  }
}

/** People read this: no stacks for what they can do something about. */
function tell(error: unknown, word: string): number {
  if (error instanceof UsageError) {
    console.error(
      `epochd: ${error.message}\n${commands.has(word) ? `epochd ${word} --help says more.` : "epochd --help lists the commands."}`,
    );
    return 2;
  }
  if (error instanceof ProblemError) {
    console.error(`epochd: ${error.message}`);
    return error.status === 422 || error.status === 400 ? 2 : 1;
  }
  if (error instanceof UnreachableError) {
    console.error(`epochd: ${error.message} Is it running (epochd start)? --url or EPOCHD_URL says where.`);
    return 1;
  }
  console.error(error);
  return 1;
}

function overview(): string {
  const width = Math.max(...[...commands.values()].map(({ usage }) => usage.length));
  const line = (usage: string, summary: string) => `  epochd ${usage.padEnd(width)}  ${summary}`;
  return [
    "Training as a service: post a network, watch its losses arrive, ask the trained model.",
    "",
    ...[...commands.values()].map(({ usage, summary }) => line(usage, summary)),
    "",
    ...Object.entries(OF_THE_SERVICE).map(([usage, summary]) => line(usage, summary)),
    "",
    "epochd COMMAND --help says more of one. EPOCHD_URL is where the service is (http://127.0.0.1:3000),",
    "EPOCHD_KEY an API key, where the service asks for one.",
  ].join("\n");
}

function helpOf({ usage, summary, flags = {}, help }: Command): string {
  const all = Object.entries({ ...flags, ...COMMON_FLAGS }).map(
    ([flag, says]) => [`--${flag.replace("=", " ")}`, says] as const,
  );
  const width = Math.max(...all.map(([flag]) => flag.length));
  return [
    `epochd ${usage}`,
    `  ${summary}`,
    "",
    ...all.map(([flag, says]) => `  ${flag.padEnd(width)}  ${says}`),
    ...(help ? ["", help] : []),
  ].join("\n");
}
