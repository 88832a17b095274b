/** The newest figures of a run. */
import type { EpochEvent, Job } from "../service/jobs.ts";
import { compact, count, duration, figure, label } from "../shared/format.ts";

export function Figures({ job, live }: { job: Job; live: EpochEvent | null }) {
  return (
    <dl class="tiles">
      {figuresOf(job, live).map(([name, value]) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function figuresOf(job: Job, newest: EpochEvent | null): [name: string, value: string][] {
  // The stream is ahead of the job object that was fetched last, or the other way round after a reload.
  const live = newest !== null && newest.epoch >= job.progress.epoch ? newest : null;
  const { epoch, epochs, samples_per_s, eta_s } = live ?? job.progress;
  const latest = live ?? job.latest;
  const tiles: [string, string][] = [["epoch", `${count(epoch)} / ${count(epochs)}`]];
  if (latest) {
    tiles.push(["loss", figure(latest.loss)]);
    if (latest.val_loss !== undefined) tiles.push(["validation loss", figure(latest.val_loss)]);
    for (const [name, value] of Object.entries(latest.metrics)) tiles.push([label(name), figure(value)]);
    for (const [name, value] of Object.entries(latest.val_metrics ?? {}))
      tiles.push([label(`val_${name}`), figure(value)]);
    tiles.push(["learning rate", figure(latest.lr)]);
  }
  if (samples_per_s > 0) tiles.push(["samples per second", compact(samples_per_s)]);
  if (job.status === "running" && eta_s > 0) tiles.push(["time left", duration(eta_s)]);
  if (job.started_at && job.finished_at)
    tiles.push(["trained for", duration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000)]);
  if (job.best) tiles.push([`best ${label(job.best.metric)}`, `${figure(job.best.value)} @ ${job.best.epoch}`]);
  if (job.queue_position !== null) tiles.push(["place in the queue", String(job.queue_position)]);
  return tiles;
}
