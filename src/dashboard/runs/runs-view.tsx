/** All runs, newest first. */
import "./runs.css";
import { useEffect } from "preact/hooks";
import { href } from "../router.ts";
import type { Job } from "../service/jobs.ts";
import { Bar } from "../shared/bar.tsx";
import { ago, figure } from "../shared/format.ts";
import { Status } from "../shared/status.tsx";
import { runs, trouble, watchRuns } from "./live-runs.ts";
import { Welcome } from "./welcome.tsx";

export function RunsView() {
  useEffect(watchRuns, []);
  const jobs = runs.value;
  return (
    <div class="stack">
      <h1>Runs</h1>
      {trouble.value && (
        <p class="notice" role="alert">
          {trouble.value}
        </p>
      )}
      {jobs?.length === 0 && <Welcome />}
      {jobs && jobs.length > 0 && (
        <ul class="runs">
          {jobs.map((job) => (
            <Row key={job.id} job={job} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Row({ job }: { job: Job }) {
  const { epoch, epochs } = job.progress;
  return (
    <li>
      <a href={href(`/runs/${job.id}`)}>
        <span class="name">{job.name ?? job.id}</span>
        <Status status={job.status} />
        <span class="soft small">{ago(job.created_at)}</span>
        <span class="soft small">{job.latest ? `loss ${figure(job.latest.loss)}` : `${epochs} epochs`}</span>
        <Bar value={epoch} max={epochs} label={`epoch ${epoch} of ${epochs}`} />
      </a>
    </li>
  );
}
