/** 5,000 SSE clients that have nothing to hear, then one event each. */
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd, streamsOf } from "../crowd.ts";
import { startLoadService, usageOf, watch } from "../load-service.ts";
import { inMs } from "../percentiles.ts";
import { tiny } from "../specs.ts";

const JOBS = 50;
const CLIENTS = 5000;
/** Longer than the 15 s between two pings. */
const SECONDS = 18;

export async function idle(): Promise<string[]> {
  await using service = await startLoadService({ workers: 0 });
  const jobs = await Promise.all(Array.from({ length: JOBS }, () => service.post(tiny)));
  using crowd = new Crowd();
  const before = usageOf(service.processes.api).rssMb;
  const opening = performance.now();
  const opened = await crowd.tell({ do: "open", urls: streamsOf(service.url, jobs, CLIENTS) });
  const openedIn = performance.now() - opening;
  const seen = watch(service, { clients: [crowd.pid] });
  await crowd.tell({ do: "measure" });
  await sleep(SECONDS * 1000);
  const { pinged, connected } = await crowd.tell({ do: "report" });
  const usage = seen();
  const after = usageOf(service.processes.api).rssMb;
  await crowd.tell({ do: "measure" });
  await Promise.all(jobs.map((id) => service.cancel(id)));
  const { finished, faults, delay } = await crowd.until((report) => report.finished === CLIENTS, 30);
  return [
    `${opened.connected} clients connected in ${(openedIn / 1000).toFixed(1)} s; ${connected} still are after ${SECONDS} s, ${pinged} were pinged`,
    `${(((after - before) * 1024) / CLIENTS).toFixed(1)} KB for each`,
    `then all jobs are cancelled at once: ${finished} heard it; ${inMs(delay)}; faults: ${faults.length === 0 ? "none" : faults.slice(0, 3).join(", ")}`,
    usage,
  ];
}
