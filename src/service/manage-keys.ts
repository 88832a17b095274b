/** `npm start -- keys …`: API keys, on the broker of the running service. */
import { parseArgs } from "node:util";
import { ConfigError } from "../config.ts";
import { type ApiKeys, type ListedKey, SCOPES, type Scope } from "../jobs/api-keys.ts";
import { OwnQuota, QUOTA_NAMES, Quota } from "../jobs/quota.ts";

const QUOTA_USAGE = QUOTA_NAMES.map((name) => `[--${name} <number>|any]`).join(" ");

export const KEYS_USAGE = `npm start -- keys create <name> [--scopes ${SCOPES.join(",")}] [--expires 90d|2027-01-01] ${QUOTA_USAGE}
  keys list
  keys limit <id> ${QUOTA_USAGE}
  keys revoke <id>`;

const DAY_MS = 86_400_000;

/** Gives the lines to print. Throws ConfigError for what is no such command. */
export async function manageKeys(keys: ApiKeys, args: readonly string[]): Promise<string[]> {
  const { words, options } = readArguments(args);
  const [command, argument, ...rest] = words;
  if (command === "create" && argument !== undefined && rest.length === 0) {
    const { scopes, expires, ...quota } = options;
    const { key, secret } = await keys.create(argument, {
      ...(scopes !== undefined && { scopes: readScopes(scopes) }),
      ...(expires !== undefined && { expires_at: readExpiry(expires) }),
      quota: readQuota(quota),
    });
    return [`${key.id}  ${key.name}`, "", `  ${secret}`, "", "It is shown this once: only its hash is kept."];
  }
  if (command === "list" && argument === undefined && Object.keys(options).length === 0) {
    const all = await keys.list();
    return all.length === 0 ? ["There are no keys.", KEYS_USAGE] : all.map(lineOf);
  }
  if (command === "limit" && argument !== undefined && rest.length === 0) {
    const quota = readQuota(options);
    if (Object.keys(quota).length === 0) throw new ConfigError(`nothing to limit was named: ${KEYS_USAGE}`);
    const key = await keys.limit(argument, quota);
    if (key === null) throw noSuchKey(argument);
    const limits = Object.entries(key.quota).map(([what, most]) => `${what} ${most ?? "any"}`);
    return [`${key.id}  ${key.name}  (${limits.join("; ")})`];
  }
  if (command === "revoke" && argument !== undefined && rest.length === 0 && Object.keys(options).length === 0) {
    if (await keys.revoke(argument)) return [`${argument} opens nothing any more. Its jobs and data sets stay.`];
    throw noSuchKey(argument);
  }
  throw new ConfigError(`unknown command "keys ${args.join(" ")}": ${KEYS_USAGE}`);
}

interface Arguments {
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

function readArguments(args: readonly string[]): Arguments {
  const names = ["scopes", "expires", ...QUOTA_NAMES];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    const given = Object.entries(values).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
    return { words: positionals, options: Object.fromEntries(given) };
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}: ${KEYS_USAGE}`);
  }
}

function readScopes(text: string): Scope[] {
  return text.split(",").map((word) => {
    const scope = SCOPES.find((known) => known === word.trim());
    if (scope === undefined) throw new ConfigError(`--scopes must be some of ${SCOPES.join(", ")}, got "${word}"`);
    return scope;
  });
}

/** `90d`, or a date. */
function readExpiry(text: string): string {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const time = days === undefined ? Date.parse(text) : Date.now() + Number(days) * DAY_MS;
  if (!/^\d/.test(text) || Number.isNaN(time) || time <= Date.now())
    throw new ConfigError(
      `--expires must be days from now such as 90d, or a date to come such as 2027-01-01, got "${text}"`,
    );
  return new Date(time).toISOString();
}

function readQuota(options: Readonly<Record<string, string>>): OwnQuota {
  const entries = Object.entries(options).map(([name, text]) => {
    const known = QUOTA_NAMES.find((known) => known === name);
    if (known === undefined) throw new ConfigError(`--${name} is of no use here: ${KEYS_USAGE}`);
    const most = Quota.shape[known].safeParse(text === "any" ? null : Number(text));
    if (!most.success)
      throw new ConfigError(`--${name} must be a whole number from 1 on such as 100 or 1e9, or any, got "${text}"`);
    return [name, most.data];
  });
  return OwnQuota.parse(Object.fromEntries(entries));
}

function lineOf({ id, name, created_at, scopes, expires_at, quota, last_used_at }: ListedKey): string {
  const limits = Object.entries(quota).map(([what, most]) => `${what} ${most ?? "any"}`);
  const about = [
    scopes.join(","),
    ...(expires_at === null ? [] : [`${Date.parse(expires_at) <= Date.now() ? "expired" : "expires"} ${expires_at}`]),
    last_used_at === null ? "never used" : `used ${last_used_at}`,
    ...limits,
  ];
  return `${id}  ${created_at}  ${name}  (${about.join("; ")})`;
}

const noSuchKey = (id: string): ConfigError =>
  new ConfigError(`there is no key ${id}: npm start -- keys list shows those that there are`);
