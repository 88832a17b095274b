/** What the service adds to a job as small as they come, one after the other: from `queued` to `completed`, without the training. */
import { startLoadService, watch } from "../load-service.ts";
import { inMs, percentiles } from "../percentiles.ts";
import { tiny } from "../specs.ts";

const JOBS = 200;
const WARM_UP = 20;

export async function overhead(): Promise<string[]> {
  await using service = await startLoadService();
  for (let i = 0; i < WARM_UP; i++) await oneJob(service);
  const seen = watch(service);
  const measured: { added: number; whole: number }[] = [];
  for (let i = 0; i < JOBS; i++) measured.push(await oneJob(service));
  return [
    `${JOBS} jobs, from queued to completed without the training: ${inMs(percentiles(measured.map(({ added }) => added)))}`,
    `from POST to the terminal event at the client: ${inMs(percentiles(measured.map(({ whole }) => whole)))}`,
    seen(),
  ];
}

async function oneJob({ url, post }: { url: string; post(spec: object): Promise<string> }) {
  const begun = performance.now();
  const id = await post(tiny);
  const text = await (await fetch(`${url}/v1/jobs/${id}/events`, { headers: { accept: "text/event-stream" } })).text();
  const whole = performance.now() - begun;
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
  const training = events.findLast(({ elapsed_ms }) => elapsed_ms !== undefined).elapsed_ms;
  return { added: Date.parse(events.at(-1).time) - Date.parse(events[0].time) - training, whole };
}
