/** The status of a job or a trial as a word with a mark; colour only adds to it. */
import "./status.css";
import type { JobStatus } from "../service/jobs.ts";
import type { Trial } from "../service/sweeps.ts";

export function Status({ status }: { status: JobStatus | Trial["status"] }) {
  return <span class={`status ${status}`}>{status}</span>;
}
