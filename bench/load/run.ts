/**
 * `npm run bench:load`: what the service carries, measured on a service that really runs: API, worker and Redis in processes of
 * their own, and so the clients.
 *
 *   --only follow,slow,idle,burst,overhead,steps    these parts alone
 *   --jobs 50    how many jobs train while `follow` measures; each is a thread of the worker
 */
import { parseArgs } from "node:util";
import { load, machine } from "../machine.ts";
import { burst } from "./parts/burst.ts";
import { follow } from "./parts/follow.ts";
import { idle } from "./parts/idle.ts";
import { overhead } from "./parts/overhead.ts";
import { slow } from "./parts/slow.ts";
import { steps } from "./parts/steps.ts";

const PARTS: Readonly<Record<string, (options: { jobs: number }) => Promise<string[]>>> = {
  follow,
  slow,
  idle,
  burst,
  overhead,
  steps,
};

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(PARTS).join(",") },
    jobs: { type: "string", default: "50" },
  },
});
console.log(machine());
for (const name of values.only.split(",")) {
  const part = PARTS[name];
  if (!part) throw new Error(`There is no part "${name}"; there are ${Object.keys(PARTS).join(", ")}.`);
  console.log(`\n${name}. ${load("before")}`);
  for (const line of await part({ jobs: Number(values.jobs) })) console.log(`  ${line}`);
  console.log(`  ${load("after")}`);
}
