/** The chosen run: what it is, how far it is, and its curves, live from its event stream. */
import { Chart } from "./chart.ts";
import { Curves } from "./curves.ts";
import { element } from "./element.ts";
import { ago, bytes, compact, count, duration, figure, label } from "./format.ts";
import { type EpochEvent, type EventType, type Job, ServiceError, service } from "./service.ts";

export class RunView {
  readonly #id: string;
  readonly #parent: HTMLElement;
  readonly #title = element("div", { class: "title" });
  readonly #facts = element("p", { class: "facts" });
  readonly #progress = element("div", { class: "card" });
  readonly #trouble = element("p", { class: "notice", role: "alert" });
  readonly #lossFigure = element("figure", { class: "card" });
  readonly #metricFigure = element("figure", { class: "card" });
  readonly #details = element("div", { class: "details" });
  readonly #lossChart: Chart;
  readonly #metricChart: Chart;
  #curves = new Curves();
  #job: Job | null = null;
  #latest: EpochEvent | null = null;
  #source: EventSource | null = null;
  #frame = 0;
  #closed = false;

  constructor(parent: HTMLElement, id: string) {
    this.#parent = parent;
    this.#id = id;
    const losses = element("div", { role: "img", "aria-label": "Loss per epoch" });
    const metrics = element("div", { role: "img", "aria-label": "Metrics per epoch" });
    this.#lossFigure.append(
      element("figcaption", {}, element("h3", {}, "Loss per epoch"), this.#logarithmButton()),
      losses,
    );
    this.#metricFigure.append(element("figcaption", {}, element("h3", {}, "Metrics")), metrics);
    this.#trouble.hidden = true;
    this.#lossFigure.hidden = true;
    this.#metricFigure.hidden = true;
    parent.replaceChildren(
      element("div", {}, this.#title, this.#facts),
      this.#trouble,
      this.#progress,
      this.#lossFigure,
      this.#metricFigure,
      this.#details,
    );
    this.#lossChart = new Chart(losses);
    this.#metricChart = new Chart(metrics);
  }

  async open(): Promise<void> {
    try {
      const [job, history] = await Promise.all([service.job(this.#id), service.history(this.#id)]);
      if (this.#closed) return;
      this.#curves = Curves.from(history);
      this.update(job);
      this.#showDetails(job);
      this.#draw();
      const source = await service.follow(this.#id, history.last_seq, (type, data) => this.#onEvent(type, data));
      if (this.#closed) source.close();
      else this.#source = source;
    } catch (error) {
      if (!this.#closed) this.#parent.replaceChildren(element("p", { class: "notice" }, messageOf(error)));
    }
  }

  get id(): string {
    return this.#id;
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#source?.close();
    this.#lossChart.close();
    this.#metricChart.close();
  }

  /** Shows a fresh job object; the event stream says the rest. */
  update(job: Job): void {
    this.#job = job;
    document.title = `${job.name ?? job.id} · epochd`;
    const finished = job.status === "completed" || job.status === "failed" || job.status === "cancelled";
    this.#title.replaceChildren(
      element("h2", {}, job.name ?? job.id),
      element("span", { class: `status ${job.status}` }, job.status),
      element(
        "div",
        { class: "actions" },
        job.progress.epoch > 0 || finished
          ? element("a", { class: "button primary", href: service.modelHref(job.id), download: "" }, "Download model")
          : null,
        finished ? null : this.#pauseButton(job),
        finished
          ? element("button", { type: "button", class: "danger", onclick: () => this.#remove() }, "Delete")
          : element("button", { type: "button", class: "danger", onclick: () => this.#ask(service.cancel) }, "Cancel"),
      ),
    );
    const facts = [
      `submitted ${ago(job.created_at)}`,
      deviceOf(job),
      `${count(job.model_summary.parameters)} parameters`,
      job.attempts > 1 && `attempt ${job.attempts}`,
      ...Object.entries(job.metadata).map(([key, value]) => `${key}: ${value}`),
    ];
    this.#facts.replaceChildren(element("code", {}, job.id), ` · ${facts.filter(Boolean).join(" · ")}`);
    this.#facts.title = job.device_info ? `On the ${job.device}: ${job.device_info.reason}` : "";
    this.#trouble.hidden = job.error === null;
    if (job.error) this.#trouble.textContent = `${job.error.title}: ${job.error.detail}`;
    this.#showProgress();
  }

  #onEvent(type: EventType, data: string): void {
    if (type === "epoch") {
      const event: EpochEvent = JSON.parse(data);
      this.#latest = event;
      this.#curves.add(event);
      this.#draw();
      if (this.#frame === 0)
        this.#frame = requestAnimationFrame(() => {
          this.#frame = 0;
          this.#showProgress();
        });
      return;
    }
    if (isTerminal(type)) this.#source?.close();
    if (type !== "checkpoint") void this.#reload();
  }

  async #reload(): Promise<void> {
    const job = await service.job(this.#id).catch(() => null);
    if (job && !this.#closed) this.update(job);
  }

  #draw(): void {
    const losses = this.#curves.lossChart();
    const metrics = this.#curves.metricChart();
    this.#lossFigure.hidden = this.#curves.epochs.length === 0;
    this.#metricFigure.hidden = metrics.curves.length === 0;
    if (!this.#lossFigure.hidden) this.#lossChart.show(losses.curves, losses.columns);
    if (!this.#metricFigure.hidden) this.#metricChart.show(metrics.curves, metrics.columns);
  }

  #showProgress(): void {
    const job = this.#job;
    if (!job) return;
    // The stream is ahead of the job object that was fetched last, or the other way round after a reload.
    const live = this.#latest !== null && this.#latest.epoch >= job.progress.epoch ? this.#latest : null;
    const { epoch, epochs, samples_per_s, eta_s } = live ?? job.progress;
    const latest = live ?? job.latest;
    const running = job.status === "running";
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
    if (running && eta_s > 0) tiles.push(["time left", duration(eta_s)]);
    if (job.started_at && job.finished_at)
      tiles.push(["trained for", duration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000)]);
    if (job.best) tiles.push([`best ${label(job.best.metric)}`, `${figure(job.best.value)} @ ${job.best.epoch}`]);
    if (job.queue_position !== null) tiles.push(["place in the queue", String(job.queue_position)]);
    this.#progress.replaceChildren(
      element("progress", { max: epochs, value: epoch, "aria-label": `epoch ${epoch} of ${epochs}` }),
      element(
        "dl",
        { class: "tiles" },
        ...tiles.map(([name, value]) =>
          element("div", {}, element("dt", { title: name }, name), element("dd", {}, value)),
        ),
      ),
    );
  }

  #showDetails(job: Job): void {
    const head = ["layer", "type", "output", "parameters"];
    const rows = job.model_summary.layers.map((layer) =>
      element(
        "tr",
        {},
        element("td", {}, layer.name),
        element("td", {}, layer.type),
        element("td", {}, layer.output_shape.length === 0 ? "scalar" : layer.output_shape.join(" × ")),
        element("td", { class: "number" }, count(layer.parameters)),
      ),
    );
    this.#details.replaceChildren(
      element(
        "div",
        { class: "card scroll" },
        element("h3", {}, `Model, ${bytes(job.model_summary.memory_bytes)} while training`),
        element(
          "table",
          { class: "layers" },
          element(
            "thead",
            {},
            element("tr", {}, ...head.map((name, i) => element("th", i === 3 ? { class: "number" } : {}, name))),
          ),
          element("tbody", {}, ...rows),
        ),
      ),
      element(
        "details",
        { class: "card" },
        element("summary", {}, "Spec, complete with every default"),
        element("pre", {}, specText(job.spec)),
      ),
    );
  }

  #logarithmButton(): HTMLButtonElement {
    const button = element(
      "button",
      {
        type: "button",
        "aria-pressed": "false",
        onclick: () => {
          const on = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", String(on));
          this.#lossChart.setLogarithmic(on);
        },
      },
      "log scale",
    );
    return button;
  }

  #pauseButton({ status, pause_requested }: Job): HTMLButtonElement {
    const [label, action] = status === "paused" ? ["Resume", service.resume] : ["Pause", service.pause];
    const disabled = status === "running" && pause_requested ? { disabled: "" } : {};
    return element("button", { type: "button", ...disabled, onclick: () => this.#ask(action) }, label);
  }

  async #ask(action: (id: string) => Promise<unknown>): Promise<void> {
    await this.#attempt(() => action(this.#id));
    await this.#reload();
  }

  async #remove(): Promise<void> {
    if (!confirm("Delete this run, its weights and its history?")) return;
    await this.#attempt(async () => {
      await service.remove(this.#id);
      location.hash = "";
    });
  }

  async #attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#trouble.hidden = false;
      this.#trouble.textContent = messageOf(error);
    }
  }
}

function isTerminal(type: EventType): boolean {
  return type === "completed" || type === "failed" || type === "cancelled";
}

/** `gpu (NVIDIA H200)` or `cpu (4 threads)`; why, is said when one points at it. */
function deviceOf({ device, device_info }: Job): string | null {
  if (device === null || device_info === null) return device;
  const { adapter, threads } = device_info;
  return `${device} (${adapter ?? (threads === 1 ? "1 thread" : `${threads} threads`)})`;
}

/** Inline data would bury the rest of a spec. */
function specText(spec: object): string {
  const text = JSON.stringify(spec, (key, value) => (key === "inline" ? "… (inline data)" : value), 2);
  return text.length > 20_000 ? `${text.slice(0, 20_000)}\n…` : text;
}

function messageOf(error: unknown): string {
  if (error instanceof ServiceError) return error.message;
  return "The service does not answer. The page goes on as soon as it does.";
}
