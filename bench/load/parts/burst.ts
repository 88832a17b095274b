/** Twice, 1,000 jobs are posted as fast as the API takes them, and all of them trained. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type LoadService, startLoadService, watch } from "../load-service.ts";
import { inMs, percentiles } from "../percentiles.ts";
import { tiny } from "../specs.ts";

const JOBS = 1000;
const CONNECTIONS = 8;

export async function burst(): Promise<string[]> {
  await using service = await startLoadService();
  const body = Buffer.from(JSON.stringify(tiny));
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const said: string[] = [];
  // Code that has hardly been run is compiled while it runs: a service that has just started answers the first some hundred more slowly.
  for (const which of ["just started", "has served a burst before"]) {
    const before = await finished(service);
    const seen = watch(service);
    const begun = performance.now();
    const times: number[] = [];
    let left = JOBS;
    let accepted = 0;
    const poster = async (): Promise<void> => {
      while (left-- > 0) {
        const asked = performance.now();
        if ((await post(`${service.url}/v1/jobs`, body, agent)) === 202) accepted++;
        times.push(performance.now() - asked);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, poster));
    const posted = (performance.now() - begun) / 1000;
    for (const end = begun + 120_000; (await finished(service)) < before + JOBS && performance.now() < end; )
      await sleep(50);
    const done = (performance.now() - begun) / 1000;
    said.push(
      `the service ${which}: ${accepted} of ${JOBS} accepted over ${CONNECTIONS} connections in ${posted.toFixed(1)} s; POST: ${inMs(percentiles(times))}`,
      `  ${(await finished(service)) - before} of ${JOBS} completed ${done.toFixed(1)} s after the first POST; ${seen()}`,
    );
  }
  agent.destroy();
  return said;
}

const finished = ({ redis }: LoadService): Promise<number> => redis.zcard("{epochd}:jobs:status:completed");

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
