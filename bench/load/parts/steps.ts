/** A job of 10,000 steps a second and more, the loss of each streamed: what of it reaches Redis. */
import { setTimeout as sleep } from "node:timers/promises";
import { startLoadService, watch } from "../load-service.ts";
import { fast } from "../specs.ts";

const SECONDS = 10;

export async function steps(): Promise<string[]> {
  await using service = await startLoadService();
  const id = await service.post(fast(100));
  while ((await service.job(id)).progress.epoch < 3) await sleep(100);
  const seen = watch(service);
  const before = await figures(service.redis, id);
  await sleep(SECONDS * 1000);
  const after = await figures(service.redis, id);
  const usage = seen();
  await service.cancel(id);
  const a_second = (count: keyof typeof after) => (after[count] - before[count]) / ((after.at - before.at) / 1000);
  return [
    `${a_second("steps").toFixed(0)} steps a second in ${a_second("events").toFixed(1)} events a second`,
    `Redis: ${a_second("scripts").toFixed(1)} appends a second (${(a_second("events") / a_second("scripts")).toFixed(2)} events in each), ${a_second("commands").toFixed(0)} commands in all, ${(a_second("bytes") / 1024).toFixed(0)} KiB a second written`,
    usage,
  ];
}

async function figures(
  redis: {
    info(section: string): Promise<string>;
    hmget(key: string, ...fields: string[]): Promise<(string | null)[]>;
  },
  id: string,
) {
  const at = performance.now();
  const [stats, whole, state] = await Promise.all([
    redis.info("commandstats"),
    redis.info("stats"),
    redis.hmget(`{epochd}:job:${id}`, "seq", "streamed_step"),
  ]);
  const number = (pattern: RegExp, text: string) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    at,
    scripts: number(/cmdstat_evalsha:calls=(\d+)/, stats),
    commands: number(/total_commands_processed:(\d+)/, whole),
    bytes: number(/total_net_input_bytes:(\d+)/, whole),
    events: Number(state[0]),
    steps: Number(state[1]),
  };
}
