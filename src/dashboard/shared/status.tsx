/** A job's status as a word with a mark; colour only adds to it. */
import "./status.css";
import type { JobStatus } from "../service/jobs.ts";

export function Status({ status }: { status: JobStatus }) {
  return <span class={`status ${status}`}>{status}</span>;
}
