/** What Prometheus is told: the queue, the workers and the store as the broker knows them, this process and its requests. */
import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { timeOfId } from "../jobs/ids.ts";
import { JOB_STATUSES } from "../jobs/job.ts";
import type { ApiParts } from "./parts.ts";

/** So many running jobs are looked at for their speed. */
const MOST_RUNNING = 500;

export class Metrics {
  readonly registry = new Registry();
  private readonly parts: ApiParts;
  private readonly gauges = {
    up: this.gauge("epochd_broker_up", "1 if the broker answers, else 0; then what it would say is missing or NaN"),
    jobs: this.gauge("epochd_jobs", "Jobs by status", ["status"]),
    depth: this.gauge("epochd_queue_depth", "Jobs that wait for a worker"),
    wait: this.gauge("epochd_queue_oldest_wait_seconds", "How long the oldest of them has been there"),
    workers: this.gauge("epochd_workers", "Workers that live"),
    slots: this.gauge("epochd_worker_slots", "Jobs that a worker can train at once", ["worker"]),
    busy: this.gauge("epochd_worker_jobs", "Jobs that it trains now", ["worker"]),
    seen: this.gauge("epochd_worker_silence_seconds", "How long ago it gave its last sign of life", ["worker"]),
    samples: this.gauge("epochd_samples_per_second", "What all running jobs train together"),
    steps: this.gauge("epochd_steps_per_second", "Optimizer steps of all running jobs together"),
    memory: this.gauge("epochd_worker_resident_memory_bytes", "Its memory, that of its threads in it", ["worker"]),
    brokerMemory: this.gauge("epochd_broker_memory_bytes", "What the broker holds in memory"),
    brokerLimit: this.gauge("epochd_broker_max_memory_bytes", "What it may hold; 0 if it has no limit of its own"),
    webhooks: this.gauge("epochd_webhooks_waiting", "Webhooks that are not delivered yet"),
    listeners: this.gauge("epochd_sse_clients", "Clients that follow events over this process"),
  };
  private readonly lost = this.counter(
    "epochd_workers_lost_total",
    "Workers that gave no sign of life any more and had not taken leave: crashed, killed or cut off",
  );
  private readonly cutOff = this.counter(
    "epochd_sse_clients_cut_off_total",
    "Clients of this process that read too slowly for too long",
  );
  private readonly lag = new Histogram({
    name: "epochd_event_lag_seconds",
    help: "From the moment at which an event was computed until this process sent it to all that follow live, by the clocks of both machines",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });
  private readonly requests = new Histogram({
    name: "epochd_http_request_duration_seconds",
    help: "Requests by route, without streams",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });
  private readonly failures = new Counter({
    name: "epochd_http_errors_total",
    help: "Answers with a status of 500 or more",
    labelNames: ["route"],
    registers: [this.registry],
  });

  constructor(parts: ApiParts) {
    this.parts = parts;
    collectDefaultMetrics({ register: this.registry });
    parts.hub.onDelivery = (delayMs) => this.lag.observe(delayMs / 1000);
  }

  /** Times every request of an app. */
  watch(app: FastifyInstance): void {
    app.addHook("onResponse", async (request, reply) => {
      // The pattern, not the path: every id would be a series of its own.
      if (reply.raw.getHeader("content-type") === "text/event-stream") return;
      const route = request.routeOptions.url ?? "none";
      const status = reply.statusCode;
      this.requests.observe({ method: request.method, route, status }, reply.elapsedTime / 1000);
      if (status >= 500) this.failures.inc({ route });
    });
  }

  /** The page as Prometheus reads it. */
  async page(): Promise<string> {
    const { up, jobs, slots, busy, seen, memory, listeners, ...single } = this.gauges;
    for (const gauge of [jobs, slots, busy, seen, memory]) gauge.reset();
    for (const gauge of Object.values(single)) gauge.set(Number.NaN);
    listeners.set(this.parts.hub.listenerCount);
    setTo(this.cutOff, this.parts.hub.cutOffCount);
    try {
      await this.askBroker();
      up.set(1);
    } catch {
      up.set(0);
    }
    return this.registry.metrics();
  }

  private async askBroker(): Promise<void> {
    const { redis, log, workers } = this.parts;
    const { keys } = log;
    const [counts, depth, [oldest], { alive, lost }, webhooks, running, memory] = await Promise.all([
      Promise.all(JOB_STATUSES.map((status) => redis.zcard(keys.withStatus(status)))),
      redis.zcard(keys.waiting),
      redis.zrangebylex(keys.withStatus("queued"), "-", "+", "LIMIT", 0, 1),
      workers.list().then(async (alive) => ({ alive, lost: await workers.lost() })),
      redis.zcard(keys.webhooks),
      log.ids({ status: "running", limit: MOST_RUNNING }).then((ids) => log.states(ids)),
      redis.info("memory"),
    ]);
    const { gauges } = this;
    const now = Date.now();
    JOB_STATUSES.forEach((status, i) => {
      gauges.jobs.set({ status }, counts[i] ?? 0);
    });
    gauges.depth.set(depth);
    gauges.wait.set(oldest === undefined ? 0 : Math.max(0, now - timeOfId(oldest)) / 1000);
    gauges.workers.set(alive.length);
    for (const { id, concurrency, jobs, seen_at, rss_bytes } of alive) {
      gauges.slots.set({ worker: id }, concurrency);
      gauges.busy.set({ worker: id }, jobs.length);
      gauges.seen.set({ worker: id }, Math.max(0, now - Date.parse(seen_at)) / 1000);
      if (rss_bytes !== undefined) gauges.memory.set({ worker: id }, rss_bytes);
    }
    gauges.samples.set(running.reduce((sum, { progress }) => sum + progress.samples_per_s, 0));
    // What is left of a job and how long that takes say how fast it is.
    gauges.steps.set(
      running.reduce((sum, { progress: { step, steps, eta_s } }) => sum + (eta_s > 0 ? (steps - step) / eta_s : 0), 0),
    );
    gauges.webhooks.set(webhooks);
    gauges.brokerMemory.set(numberOf("used_memory", memory));
    gauges.brokerLimit.set(numberOf("maxmemory", memory));
    setTo(this.lost, lost);
  }

  private counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] });
  }

  private gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}

/** A counter whose count is kept elsewhere. */
function setTo(counter: Counter, count: number): void {
  counter.reset();
  counter.inc(count);
}

const numberOf = (field: string, info: string): number =>
  Number(new RegExp(`^${field}:(\\d+)`, "m").exec(info)?.[1] ?? Number.NaN);
