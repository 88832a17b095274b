/** The newest figures of a run. */
import type { RunHistory } from "../history/run-history.ts";
import type { Job } from "../service/jobs.ts";
import { compact, count, duration, figure, label } from "../shared/format.ts";
import { Tiles } from "../shared/tiles.tsx";
import { bestOf, isStoppedEarly } from "./run-curves.ts";

export const Figures = ({ job, history }: { job: Job; history: RunHistory }) => <Tiles of={figuresOf(job, history)} />;

/** What the stream has told is newer than the job that was fetched last, or the other way round after a reload. */
export function progressOf(job: Job, { newest }: RunHistory): Job["progress"] {
  return newest !== null && newest.epoch >= job.progress.epoch ? newest : job.progress;
}

function figuresOf(job: Job, history: RunHistory): [name: string, value: string][] {
  const { newest } = history;
  const live = newest !== null && newest.epoch >= job.progress.epoch ? newest : null;
  const { epoch, epochs, samples_per_s, eta_s } = progressOf(job, history);
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
    tiles.push([
      isStoppedEarly(job) ? "stopped early after" : "trained for",
      duration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000),
    ]);
  const best = bestOf(history, job);
  if (best) tiles.push([`best ${label(best.metric)}`, `${figure(best.value)} @ ${count(best.epoch)}`]);
  if (job.queue_position !== null) tiles.push(["place in the queue", String(job.queue_position)]);
  return tiles;
}
