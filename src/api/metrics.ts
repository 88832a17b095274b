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
    webhooks: this.gauge("epochd_webhooks_waiting", "Webhooks that are not delivered yet"),
    listeners: this.gauge("epochd_sse_clients", "Clients that follow events over this process"),
  };
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
    const { up, jobs, slots, busy, seen, depth, wait, workers, samples, webhooks } = this.gauges;
    for (const gauge of [jobs, slots, busy, seen]) gauge.reset();
    for (const gauge of [depth, wait, workers, samples, webhooks]) gauge.set(Number.NaN);
    this.gauges.listeners.set(this.parts.hub.listenerCount);
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
    const [counts, depth, [oldest], alive, webhooks, running] = await Promise.all([
      Promise.all(JOB_STATUSES.map((status) => redis.zcard(keys.withStatus(status)))),
      redis.zcard(keys.waiting),
      redis.zrangebylex(keys.withStatus("queued"), "-", "+", "LIMIT", 0, 1),
      workers.list(),
      redis.zcard(keys.webhooks),
      log.ids({ status: "running", limit: MOST_RUNNING }).then((ids) => log.states(ids)),
    ]);
    const { gauges } = this;
    const now = Date.now();
    JOB_STATUSES.forEach((status, i) => {
      gauges.jobs.set({ status }, counts[i] ?? 0);
    });
    gauges.depth.set(depth);
    gauges.wait.set(oldest === undefined ? 0 : Math.max(0, now - timeOfId(oldest)) / 1000);
    gauges.workers.set(alive.length);
    for (const { id, concurrency, jobs, seen_at } of alive) {
      gauges.slots.set({ worker: id }, concurrency);
      gauges.busy.set({ worker: id }, jobs.length);
      gauges.seen.set({ worker: id }, Math.max(0, now - Date.parse(seen_at)) / 1000);
    }
    gauges.samples.set(running.reduce((sum, { progress }) => sum + progress.samples_per_s, 0));
    gauges.webhooks.set(webhooks);
  }

  private gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
