/** The name of a run, what it is, and what one can do with it. */
import { useState } from "preact/hooks";
import { go, href } from "../router.ts";
import { leadsTo } from "../routes.tsx";
import { messageOf } from "../service/client.ts";
import { fetchFile } from "../service/download.ts";
import { cancelJob, deleteJob, isFinished, type Job, pathOf, pauseJob, resumeJob } from "../service/jobs.ts";
import { Connecting } from "../shared/connecting.tsx";
import { ago, count } from "../shared/format.ts";
import { now } from "../shared/now.ts";
import { Status } from "../shared/status.tsx";
import type { RunStore } from "./run-store.ts";

export function RunHead({ job, store }: { job: Job; store: RunStore }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const attempt = async (action: () => Promise<unknown>) => {
    setTrouble(null);
    await action().catch((error) => setTrouble(messageOf(error)));
    await store.reload();
  };
  const remove = async () => {
    if (!confirm("Delete this run, its weights and its history?")) return;
    await deleteJob(job.id).then(
      () => go("/"),
      (error) => setTrouble(messageOf(error)),
    );
  };
  const finished = isFinished(job.status);
  return (
    <header class="stack run-head">
      <div class="row">
        <h1>{job.name ?? job.id}</h1>
        <Status status={job.status} />
        {!finished && <Connecting connection={store.connection.value} />}
        <div class="row push">
          {(job.progress.epoch > 0 || finished) && (
            <button
              type="button"
              class="primary"
              onClick={() =>
                attempt(() => fetchFile(`${pathOf(job.id)}/model?format=safetensors`, `${job.id}.safetensors`))
              }
            >
              Download model
            </button>
          )}
          <a class="button" href={href(`/runs/${job.id}/try`)}>
            Try the model
          </a>
          {leadsTo("/new") && (
            <a class="button" href={href("/new", { from: job.id })}>
              Clone
            </a>
          )}
          <a class="button" href={href("/compare", { jobs: job.id })}>
            Compare
          </a>
          {job.status === "paused" && (
            <button type="button" onClick={() => attempt(() => resumeJob(job.id))}>
              Resume
            </button>
          )}
          {(job.status === "queued" || job.status === "running") && (
            <button type="button" disabled={job.pause_requested} onClick={() => attempt(() => pauseJob(job.id))}>
              Pause
            </button>
          )}
          {finished ? (
            <button type="button" class="danger" onClick={remove}>
              Delete
            </button>
          ) : (
            <button
              type="button"
              class="danger"
              disabled={job.cancel_requested}
              onClick={() => attempt(() => cancelJob(job.id))}
            >
              Cancel
            </button>
          )}
        </div>
      </div>
      <p
        class="facts soft small"
        title={job.device_info ? `On the ${job.device}: ${job.device_info.reason}` : undefined}
      >
        <code>{job.id}</code> · {factsOf(job).join(" · ")}
        {sweepOf(job) && (
          <>
            {" "}
            · <a href={href("/compare", { sweep: sweepOf(job) })}>its sweep</a>
          </>
        )}
      </p>
      {trouble && (
        <p class="notice" role="alert">
          {trouble}
        </p>
      )}
    </header>
  );
}

function factsOf(job: Job): string[] {
  const device = deviceOf(job);
  return [
    `submitted ${ago(job.created_at, now.value)}`,
    ...(device === null ? [] : [device]),
    `${count(job.model_summary.parameters)} parameters`,
    ...(job.attempts > 1 ? [`attempt ${job.attempts}`] : []),
    ...Object.entries(job.metadata).map(([key, value]) => `${key}: ${value}`),
  ];
}

/** A trial names its sweep. */
const sweepOf = ({ metadata }: Job): string | undefined =>
  metadata["sweep"]?.startsWith("swp_") ? metadata["sweep"] : undefined;

/** `gpu (NVIDIA H200)` or `cpu (4 threads)`; why, is said when one points at it. */
function deviceOf({ device, device_info }: Job): string | null {
  if (device === null || device_info === null) return device;
  const { adapter, threads } = device_info;
  return `${device} (${adapter ?? (threads === 1 ? "1 thread" : `${threads} threads`)})`;
}
