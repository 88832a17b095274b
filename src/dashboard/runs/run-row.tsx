/** A run in the table. */
import { href } from "../router.ts";
import type { JobSummary } from "../service/jobs.ts";
import { Bar } from "../shared/bar.tsx";
import { ago, compact, count, duration, figure, label } from "../shared/format.ts";
import { now } from "../shared/now.ts";
import { Status } from "../shared/status.tsx";
import { Sparkline } from "./sparkline.tsx";

interface Props {
  readonly job: JobSummary;
  readonly index: number;
  readonly top: number;
  readonly chosen: boolean;
  readonly toggle: (job: JobSummary) => void;
}

export function RunRow({ job, index, top, chosen, toggle }: Props) {
  const { progress, latest, best } = job;
  const name = job.name ?? job.id;
  const about = Object.entries(job.metadata).map(([key, value]) => `${key}: ${value}`);
  return (
    <tr class="runs-row" aria-rowindex={index + 2} data-row={index} style={{ transform: `translateY(${top}px)` }}>
      <td class="pick">
        <input type="checkbox" checked={chosen} aria-label={`Compare ${name}`} onChange={() => toggle(job)} />
      </td>
      <td class="name">
        <a href={href(`/runs/${job.id}`)} title={name}>
          {name}
        </a>
        <span class="soft small about" title={about.join("\n")}>
          {about.length > 0 ? about.join(" · ") : job.name === null ? "" : job.id}
        </span>
      </td>
      <td class="state">
        <Status status={job.status} />
      </td>
      <td class="progress">
        <Bar value={progress.epoch} max={progress.epochs} label={`epoch ${progress.epoch} of ${progress.epochs}`} />
        <span class="soft small" title={progressOf(job)}>
          {progressOf(job)}
        </span>
      </td>
      <td class="loss">
        <Sparkline trend={job.trend} latest={latest?.loss ?? null} />
        <span>{latest ? figure(latest.loss) : "—"}</span>
      </td>
      <td class="best" title={best ? `${label(best.metric)}, epoch ${best.epoch}` : undefined}>
        {best ? figure(best.value) : "—"}
        {best && <span class="soft small">{label(best.metric).replace("validation", "val.")}</span>}
      </td>
      <td class="speed soft">{progress.samples_per_s > 0 ? compact(progress.samples_per_s) : "—"}</td>
      <td class="worker soft small" title={job.worker ?? undefined}>
        {job.device === null ? "—" : `${job.device} · ${job.worker ?? "nobody"}`}
      </td>
      <td class="age soft small" title={new Date(job.created_at).toLocaleString()}>
        {ago(job.created_at, now.value)}
      </td>
    </tr>
  );
}

function progressOf({
  status,
  progress,
  started_at,
  finished_at,
  cancel_requested,
  pause_requested,
}: JobSummary): string {
  const epochs = `${count(progress.epoch)} / ${count(progress.epochs)}`;
  if (cancel_requested && status === "running") return `${epochs} · stopping`;
  if (pause_requested && status === "running") return `${epochs} · pausing`;
  if (status === "running" && progress.eta_s > 0) return `${epochs} · ${duration(progress.eta_s)} left`;
  if (started_at && finished_at)
    return `${epochs} · ${duration((Date.parse(finished_at) - Date.parse(started_at)) / 1000)}`;
  return epochs;
}
