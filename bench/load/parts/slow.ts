/** Of 100 clients of a long log 50 stop reading: they are cut off, the others notice nothing, and the API's memory stays as it is. */
import { Crowd, streamsOf } from "../crowd.ts";
import { startLoadService, usageOf, watch } from "../load-service.ts";
import { fast } from "../specs.ts";

const STALLED = 50;
const READING = 50;
const EPOCHS = 60;

export async function slow(): Promise<string[]> {
  await using service = await startLoadService();
  const id = await service.post(fast(EPOCHS));
  while ((await service.job(id)).progress.epoch < 5) await new Promise((resolve) => setTimeout(resolve, 100));
  using crowd = new Crowd();
  const before = usageOf(service.processes.api).rssMb;
  const seen = watch(service, { clients: [crowd.pid] });
  await crowd.tell({ do: "open", urls: streamsOf(service.url, [id], STALLED), stall: true });
  await crowd.tell({ do: "open", urls: streamsOf(service.url, [id], READING) });
  const read = await crowd.until(({ finished }) => finished >= READING, 120);
  const cut = await cutOff(service.url, STALLED, 60);
  const bytes = await service.redis.memory("USAGE", `{epochd}:job:${id}:events`, "SAMPLES", 0);
  await crowd.tell({ do: "reopen" });
  const resumed = await crowd.until(({ finished }) => finished >= READING + STALLED, 60);
  return [
    `a log of ${((bytes ?? 0) / 2 ** 20).toFixed(1)} MiB, ${EPOCHS * 10_000} steps; ${READING} clients read it (${read.finished} to its end), ${STALLED} read nothing`,
    `${cut} of the ${STALLED} were cut off, came again, and ${resumed.finished - read.finished} heard all the rest; faults: ${resumed.faults.length === 0 ? "none" : resumed.faults.slice(0, 3).join(", ")}`,
    `the API before: ${before.toFixed(0)} MB; at most ${seen()}`,
  ];
}

/** How many the API has cut off; waits for `count` of them, but not for ever. */
async function cutOff(url: string, count: number, seconds: number): Promise<number> {
  for (const end = performance.now() + seconds * 1000; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const cut = Number(/^epochd_sse_clients_cut_off_total (\d+)/m.exec(text)?.[1] ?? 0);
    if (cut >= count || performance.now() > end) return cut;
  }
}
