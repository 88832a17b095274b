/** 1,000 jobs are posted as fast as the API takes them, and all of them trained. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { startLoadService, watch } from "../load-service.ts";
import { inMs, percentiles } from "../percentiles.ts";
import { tiny } from "../specs.ts";

const JOBS = 1000;
/** The first ones find a program that nobody has used: its code is compiled as it is run, for some hundred requests. */
const BEFORE = 200;
const CONNECTIONS = 8;

export async function burst(): Promise<string[]> {
  await using service = await startLoadService();
  for (let i = 0; i < BEFORE; i++) await service.post(tiny);
  const finished = async () => await service.redis.zcard("{epochd}:jobs:status:completed");
  const untilCompleted = async (count: number): Promise<void> => {
    for (const end = performance.now() + 120_000; (await finished()) < count && performance.now() < end; )
      await sleep(50);
  };
  await untilCompleted(BEFORE);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const body = Buffer.from(JSON.stringify(tiny));
  const seen = watch(service);
  const begun = performance.now();
  const times: number[] = [];
  let accepted = 0;
  const poster = async (): Promise<void> => {
    while (times.length + underway < JOBS) {
      underway++;
      const asked = performance.now();
      const status = await post(`${service.url}/v1/jobs`, body, agent);
      underway--;
      times.push(performance.now() - asked);
      if (status === 202) accepted++;
    }
  };
  let underway = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, poster));
  const posted = (performance.now() - begun) / 1000;
  await untilCompleted(BEFORE + JOBS);
  const done = (performance.now() - begun) / 1000;
  agent.destroy();
  return [
    `${accepted} of ${JOBS} accepted over ${CONNECTIONS} connections in ${posted.toFixed(1)} s; POST: ${inMs(percentiles(times))} (${BEFORE} came before)`,
    `${(await finished()) - BEFORE} of ${JOBS} completed ${done.toFixed(1)} s after the first POST`,
    seen(),
  ];
}

function post(url: string, body: Buffer, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const asked = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
