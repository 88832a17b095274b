/** The atomic steps of the job log, as commands of a connection. Each script's own header tells what it does. */
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

const script = (name: string) => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");

const scripts = {
  createJob: { source: script("create-job"), keys: 13 },
  appendEvents: { source: script("append-events"), keys: 14 },
  claimWebhooks: { source: script("claim-webhooks"), keys: 2 },
  requestChange: { source: script("request-change"), keys: 1 },
  requestOfWorker: { source: script("request-of-worker"), keys: 3 },
  settleWebhook: { source: script("settle-webhook"), keys: 4 },
  removeJob: { source: script("remove-job"), keys: 10 },
} as const;

/** Runs a script by its hash; a server that does not know it yet gets it whole. */
export type RunScript = (name: keyof typeof scripts, keys: string[], args: (string | number)[]) => Promise<unknown>;

export function loadScripts(redis: Redis): RunScript {
  for (const [name, { source, keys }] of Object.entries(scripts)) {
    redis.defineCommand(name, { lua: source, numberOfKeys: keys });
  }
  return (name, keys, args) => {
    const command: unknown = Reflect.get(redis, name);
    if (typeof command !== "function") throw new TypeError(`The script ${name} is not defined on this connection.`);
    return Promise.resolve(Reflect.apply(command, redis, [...keys, ...args]));
  };
}
