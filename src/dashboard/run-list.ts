/** The list of runs, newest first, kept up to date while the page is looked at. */
import { byId, element } from "./element.ts";
import { ago, figure } from "./format.ts";
import { type Job, service } from "./service.ts";

const PAGE = 30;
const BUSY_MS = 1000;
const QUIET_MS = 3000;

export class RunList {
  readonly #list = byId("runs");
  readonly #more = byId("more");
  readonly #onJobs: (jobs: Job[]) => void;
  #limit = PAGE;
  #chosen = "";
  #shown = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onJobs: (jobs: Job[]) => void) {
    this.#onJobs = onJobs;
    this.#more.addEventListener("click", () => {
      this.#limit = Math.min(this.#limit + PAGE, 200);
      void this.refresh();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.refresh();
    });
  }

  choose(id: string): void {
    this.#chosen = id;
    for (const link of this.#list.querySelectorAll("a")) {
      link.setAttribute("aria-current", String(link.hash === `#${id}`));
    }
  }

  /** Asks now, then again and again; sooner while something trains, never while the page is hidden. */
  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    let pause = QUIET_MS;
    try {
      const { data, next_cursor } = await service.jobs(this.#limit);
      this.#more.hidden = next_cursor === null || this.#limit >= 200;
      this.#show(data);
      this.#onJobs(data);
      if (data.some((job) => job.status === "running" || job.status === "queued")) pause = BUSY_MS;
    } catch {
      // The service line in the header says that the service is away; the list stays as it was.
    }
    if (!document.hidden) this.#timer = setTimeout(() => void this.refresh(), pause);
  }

  #show(jobs: Job[]): void {
    const rows = jobs.map((job) => ({ job, note: noteOf(job) }));
    // Rebuilding only what changed keeps focus and hover where the reader left them.
    const now = JSON.stringify(rows.map(({ job, note }) => [job.id, job.name, job.status, note, job.progress.epoch]));
    if (now === this.#shown) return;
    this.#shown = now;
    const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.hash : "";
    this.#list.replaceChildren(...rows.map(({ job, note }) => this.#row(job, note)));
    if (focused !== "") this.#list.querySelector<HTMLAnchorElement>(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  #row(job: Job, note: string): HTMLLIElement {
    const { epoch, epochs } = job.progress;
    return element(
      "li",
      {},
      element(
        "a",
        { href: `#${job.id}`, "aria-current": job.id === this.#chosen ? "true" : "false" },
        element("span", { class: "name" }, job.name ?? job.id),
        element("span", { class: `status ${job.status}` }, job.status),
        element("span", { class: "note" }, ago(job.created_at)),
        element("span", { class: "note right" }, note),
        job.status === "running"
          ? element("progress", { max: epochs, value: epoch, "aria-label": `epoch ${epoch} of ${epochs}` })
          : null,
      ),
    );
  }
}

function noteOf(job: Job): string {
  if (job.status === "queued") return job.queue_position === null ? "" : `${job.queue_position}. in the queue`;
  if (job.latest === null) return "";
  const accuracy = job.latest.val_metrics?.["accuracy"] ?? job.latest.metrics["accuracy"];
  if (typeof accuracy === "number") return `accuracy ${figure(accuracy)}`;
  return `loss ${figure(job.latest.val_loss ?? job.latest.loss)}`;
}
