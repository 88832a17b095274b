/** What every command of the terminal client takes, and what its mistakes are. */
import { once } from "node:events";
import { Epochd } from "../client/index.ts";

/** A wrong call: told with a way to the right one, and exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Flags with a value are strings, the others are true; what is no flag stands in order. */
export interface Call {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly words: readonly string[];
}

export interface Command {
  /** `train SPEC.json`: what follows the program's name. */
  readonly usage: string;
  readonly summary: string;
  /** Flags by name, each with what it says; a name such as `data=FILE` takes a value. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Longer, for the command's own help. */
  readonly help?: string;
  /** Gives the exit status; 0 if nothing. */
  run(call: Call): Promise<number | undefined>;
}

export const COMMON_FLAGS = {
  "url=URL": "where the service is; else EPOCHD_URL, else http://127.0.0.1:3000",
  help: "this text",
};

/** The key comes by the environment alone: a flag would show it to everyone who lists processes. */
export function clientOf({ flags }: Call): Epochd {
  const url = text(flags["url"]) ?? (process.env["EPOCHD_URL"] || undefined);
  const key = process.env["EPOCHD_KEY"] || undefined;
  try {
    return new Epochd({ ...(url && { url }), ...(key && { key }) });
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

/** One line of JSON; waits where the reader is slower. */
export async function writeLine(value: unknown): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(value)}\n`)) await once(process.stdout, "drain");
}

export function text(flag: string | boolean | undefined): string | undefined {
  return typeof flag === "string" ? flag : undefined;
}

export function wholeNumber(flag: string | boolean | undefined, name: string): number | undefined {
  if (flag === undefined) return undefined;
  const number = Number(flag);
  if (Number.isSafeInteger(number) && number >= 0 && flag !== "") return number;
  throw new UsageError(`--${name} expects a whole number, got "${flag}"`);
}

/** The words that a command takes, all of them needed. */
export function wordsOf({ words }: Call, ...names: readonly string[]): string[] {
  const missing = names[words.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const extra = words[names.length];
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
  return [...words];
}
