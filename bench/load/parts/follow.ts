/** 2,000 SSE clients on one API process follow jobs that train: every event to every client, and how soon. */
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd, type Report, streamsOf } from "../crowd.ts";
import { startLoadService, watch } from "../load-service.ts";
import { inMs } from "../percentiles.ts";
import { steady } from "../specs.ts";

const CLIENTS = 2000;
const SECONDS = 20;

export async function follow({ jobs: count }: { jobs: number }): Promise<string[]> {
  await using service = await startLoadService({ concurrency: count });
  const jobs = await Promise.all(Array.from({ length: count }, () => service.post(steady)));
  await Promise.all(jobs.map((id) => untilEpoch(service, id, 2)));
  using crowd = new Crowd();
  const seen = watch(service, { clients: [crowd.pid] });
  const urls = streamsOf(service.url, jobs, CLIENTS);
  const opening = performance.now();
  const opened = await crowd.tell({ do: "open", urls });
  const openedIn = performance.now() - opening;
  // What was computed before a client came is no measure of how soon it hears what is new.
  const lastSeqs = () => Promise.all(jobs.map((id) => service.redis.hget(`{epochd}:job:${id}`, "seq").then(Number)));
  const before = await lastSeqs();
  const have = (seqs: Report["seqs"], id: string) => seqs[`${service.url}/v1/jobs/${id}/events`] ?? [];
  await crowd.until(({ seqs }) => jobs.every((id, i) => have(seqs, id).every((seq) => seq >= (before[i] ?? 0))), 120);
  const caughtUpIn = performance.now() - opening;
  const counting = performance.now();
  await crowd.tell({ do: "measure" });
  await sleep(SECONDS * 1000);
  const { delay, events } = await crowd.tell({ do: "report" });
  const rate = events / ((performance.now() - counting) / 1000);
  await Promise.all(jobs.map((id) => service.cancel(id)));
  const { finished, faults, seqs } = await crowd.until((report) => report.finished === CLIENTS, 30);
  // What the logs hold, against what arrived.
  const lasts = await lastSeqs();
  const complete = jobs.flatMap((id, i) => have(seqs, id).filter((seq) => seq === lasts[i])).length;
  return [
    `${opened.connected} clients of ${count} jobs connected in ${(openedIn / 1000).toFixed(1)} s and had heard all that had been, after ${(caughtUpIn / 1000).toFixed(1)} s`,
    `${(rate / (CLIENTS / count)).toFixed(0)} events a second, ${rate.toFixed(0)} deliveries a second`,
    `from computed to received: ${inMs(delay)}`,
    `${complete} of ${CLIENTS} clients heard every event of their job once and in order, ${finished} its end; faults: ${faults.length === 0 ? "none" : faults.slice(0, 3).join(", ")}`,
    seen(),
  ];
}

async function untilEpoch(
  service: { job(id: string): Promise<{ progress: { epoch: number } }> },
  id: string,
  epoch: number,
) {
  while ((await service.job(id)).progress.epoch < epoch) await sleep(200);
}
