/** Sends webhooks that are due, again and again with growing pauses, and writes down what became of them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { z } from "zod";
import type { JobLog } from "../../jobs/job-log.ts";
import type { DueWebhook, WebhookDelivery, Webhooks } from "../../jobs/webhooks.ts";
import { type SendOptions, sendWebhook } from "./send-webhook.ts";

export interface DispatcherOptions extends SendOptions {
  /** Seconds before the second attempt, the third …; after the last there is none. */
  readonly pauses: readonly number[];
}

/** Two days in all, as Standard Webhooks recommends: a receiver may be away over a night. */
export const PAUSES_S = [5, 60, 300, 1800, 7200, 18_000, 36_000, 86_400];

const LOOK_MS = 500;
const AT_ONCE = 20;
/** 410 Gone: the receiver wants no more of it. */
const GONE = 410;

const Spec = z.looseObject({ webhook: z.looseObject({ url: z.string() }) });

export class WebhookDispatcher {
  private readonly log: JobLog;
  private readonly webhooks: Webhooks;
  private readonly options: DispatcherOptions;
  private readonly logger: Logger;
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(parts: { log: JobLog; webhooks: Webhooks; logger: Logger }, options: DispatcherOptions) {
    this.log = parts.log;
    this.webhooks = parts.webhooks;
    this.logger = parts.logger;
    this.options = options;
  }

  start(): void {
    this.loop = this.run();
  }

  /** What is under way is left: its lease ends, and another worker sends it. */
  stop(): void {
    this.stopping.abort();
    void this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const found = await this.dispatch().catch((error: unknown) => {
        if (!signal.aborted) this.logger.warn({ err: error }, "could not look after webhooks");
        return 0;
      });
      if (found < AT_ONCE) await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Sends what is due now, at most so many, and tells how many there were. */
  async dispatch(): Promise<number> {
    const due = await this.webhooks.claim(AT_ONCE, 2 * this.options.timeoutMs);
    await Promise.all(due.map((webhook) => this.deliver(webhook)));
    return due.length;
  }

  private async deliver(due: DueWebhook): Promise<void> {
    const { jobId, seq, attempt } = due;
    const [state, [event]] = await Promise.all([this.log.state(jobId), this.log.events(jobId, seq - 1, 1)]);
    const spec = Spec.safeParse(state?.spec);
    // The job was deleted: nobody waits to hear of it.
    if (!spec.success || !event) return this.webhooks.settle(due, null);

    const data: { time: string } = JSON.parse(event.json);
    const message = {
      id: `msg_${jobId}_${seq}`,
      url: spec.data.webhook.url,
      body: JSON.stringify({ type: `job.${event.type}`, timestamp: data.time, data }),
    };
    const started = performance.now();
    const { status, error } = await this.send(message);
    const pause = error === null || status === GONE ? undefined : this.options.pauses[attempt - 1];
    const delivery: WebhookDelivery = {
      webhook_id: message.id,
      seq,
      event: event.type,
      attempt,
      time: new Date().toISOString(),
      status,
      error,
      ms: Math.round(performance.now() - started),
      next_at: pause === undefined ? null : new Date(Date.now() + spread(pause) * 1000).toISOString(),
    };
    await this.webhooks.settle(due, delivery);
    if (error) this.logger.info({ job: jobId, seq, attempt, reason: error }, "a webhook was not delivered");
  }

  private async send(
    message: Parameters<typeof sendWebhook>[0],
  ): Promise<{ status: number | null; error: string | null }> {
    try {
      const status = await sendWebhook(message, this.options);
      const delivered = status >= 200 && status < 300;
      return { status, error: delivered ? null : `the answer was ${status}, expected one of 200 … 299` };
    } catch (error) {
      return { status: null, error: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** Up to a fifth more, so that a receiver that comes back is not asked by all at once. */
const spread = (seconds: number): number => seconds * (1 + Math.random() / 5);
