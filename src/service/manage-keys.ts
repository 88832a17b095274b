/** `npm start -- keys create <name>`, `keys list`, `keys revoke <id>`: API keys, on the broker of the running service. */
import { ConfigError } from "../config.ts";
import type { ApiKeys } from "../jobs/api-keys.ts";

export const KEYS_USAGE = "npm start -- keys create <name>, keys list or keys revoke <id>";

/** Gives the lines to print. Throws ConfigError for what is no such command. */
export async function manageKeys(keys: ApiKeys, [command, argument, ...rest]: readonly string[]): Promise<string[]> {
  if (command === "create" && argument !== undefined && rest.length === 0) {
    const { key, secret } = await keys.create(argument);
    return [`${key.id}  ${key.name}`, "", `  ${secret}`, "", "It is shown this once: only its hash is kept."];
  }
  if (command === "list" && argument === undefined) {
    const all = await keys.list();
    return all.length === 0
      ? [`There are no keys. ${KEYS_USAGE}`]
      : all.map(({ id, name, created_at }) => `${id}  ${created_at}  ${name}`);
  }
  if (command === "revoke" && argument !== undefined && rest.length === 0) {
    if (await keys.revoke(argument)) return [`${argument} opens nothing any more. Its jobs and data sets stay.`];
    throw new ConfigError(`there is no key ${argument}: npm start -- keys list shows those that there are`);
  }
  throw new ConfigError(
    `unknown command "keys ${[command, argument, ...rest].filter(Boolean).join(" ")}": ${KEYS_USAGE}`,
  );
}
