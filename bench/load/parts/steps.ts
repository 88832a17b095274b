/** A job of 10,000 steps a second and more, the loss of each streamed: what of it reaches Redis. */
import { setTimeout as sleep } from "node:timers/promises";
import { startLoadService, watch } from "../load-service.ts";
import { fast } from "../specs.ts";

/** As many as may be streamed. */
const STEPS = 1_000_000;

export async function steps(): Promise<string[]> {
  await using service = await startLoadService();
  const seen = watch(service);
  const before = await figures(service.redis);
  const id = await service.post(fast(STEPS / 10_000));
  while ((await service.job(id)).status !== "completed") await sleep(100);
  const after = await figures(service.redis);
  const [started, finished, events] = await service.redis.hmget(
    `{epochd}:job:${id}`,
    "started_at",
    "finished_at",
    "seq",
  );
  const seconds = (Date.parse(finished ?? "") - Date.parse(started ?? "")) / 1000;
  const appends = after.scripts - before.scripts;
  return [
    `${(STEPS / seconds).toFixed(0)} steps a second for ${seconds.toFixed(1)} s, every loss streamed: ${(Number(events) / seconds).toFixed(1)} events a second`,
    `Redis: ${(appends / seconds).toFixed(1)} scripts a second, all else included (${(Number(events) / appends).toFixed(2)} events in each); ${((after.bytes - before.bytes) / seconds / 1024).toFixed(0)} KiB a second written`,
    seen(),
  ];
}

async function figures(redis: { info(section: string): Promise<string> }) {
  const [commands, whole] = await Promise.all([redis.info("commandstats"), redis.info("stats")]);
  const number = (pattern: RegExp, text: string) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    scripts: number(/cmdstat_evalsha:calls=(\d+)/, commands),
    bytes: number(/total_net_input_bytes:(\d+)/, whole),
  };
}
