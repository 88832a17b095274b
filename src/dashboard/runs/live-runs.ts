/** The newest runs, kept up to date while the page is looked at. */
import { signal } from "@preact/signals";
import { messageOf } from "../service/client.ts";
import { type Job, listJobs } from "../service/jobs.ts";

const NEWEST = 200;
const BUSY_MS = 1000;
const QUIET_MS = 3000;

export const runs = signal<readonly Job[] | null>(null);
export const trouble = signal<string | null>(null);

/** Call what it returns to stop. */
export function watchRuns(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const refresh = async () => {
    clearTimeout(timer);
    try {
      runs.value = (await listJobs(NEWEST)).data;
      trouble.value = null;
    } catch (error) {
      trouble.value = messageOf(error);
    }
    const busy = runs.value?.some(({ status }) => status === "running" || status === "queued");
    if (!stopped && !document.hidden) timer = setTimeout(refresh, busy ? BUSY_MS : QUIET_MS);
  };
  const onVisible = () => {
    if (!document.hidden) void refresh();
  };
  document.addEventListener("visibilitychange", onVisible);
  void refresh();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
  };
}
