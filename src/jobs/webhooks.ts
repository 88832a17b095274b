/**
 * Webhooks that are due, and what became of each delivery. The job log itself puts an event among them, in the step that
 * writes it, so none is forgotten; a worker that takes one has it for a while, then it is due again.
 */
import type { Redis } from "ioredis";
import { z } from "zod";
import { loadScripts, type RunScript } from "./job-scripts.ts";
import type { Keys } from "./keys.ts";
import { brokerTime } from "./redis.ts";

/** One attempt to tell a client about an event. */
export const WebhookDelivery = z
  .object({
    webhook_id: z.string().describe("the `webhook-id` header: the same for each attempt to deliver an event"),
    seq: z.int().describe("the event"),
    event: z.string(),
    attempt: z.int(),
    time: z.iso.datetime(),
    status: z.int().nullable().describe("the answer's HTTP status; null if there was none"),
    error: z.string().nullable().describe("why it counts as not delivered; null if it was"),
    ms: z.int(),
    next_at: z.iso.datetime().nullable().describe("when it is tried again; null if it is not"),
  })
  .meta({ id: "WebhookDelivery" });
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

export interface DueWebhook {
  readonly jobId: string;
  readonly seq: number;
  /** 1 for the first. */
  readonly attempt: number;
}

/** So many deliveries of a job are remembered. */
const MOST_REMEMBERED = 200;
const Claimed = z.array(z.tuple([z.string(), z.number()]));

export class Webhooks {
  private readonly redis: Redis;
  private readonly keys: Keys;
  private readonly script: RunScript;

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    this.keys = keys;
    this.script = loadScripts(redis);
  }

  /** Takes some that are due, for `leaseMs`: whoever does not finish them in time leaves them to others. */
  async claim(most: number, leaseMs: number): Promise<DueWebhook[]> {
    const now = await brokerTime(this.redis);
    const { webhooks, webhookAttempts } = this.keys;
    const reply = await this.script("claimWebhooks", [webhooks, webhookAttempts], [now, now + leaseMs, most]);
    return Claimed.parse(reply).map(([member, attempt]) => {
      const [jobId = "", seq] = member.split("/");
      return { jobId, seq: Number(seq), attempt };
    });
  }

  /** Notes what became of one, and with that whether it is tried again. */
  async settle({ jobId, seq }: DueWebhook, delivery: WebhookDelivery | null): Promise<void> {
    const { keys } = this;
    const due = delivery?.next_at
      ? (await brokerTime(this.redis)) + Date.parse(delivery.next_at) - Date.parse(delivery.time)
      : "";
    await this.script(
      "settleWebhook",
      [keys.state(jobId), keys.webhooks, keys.webhookAttempts, keys.deliveries(jobId)],
      [`${jobId}/${seq}`, delivery ? JSON.stringify(delivery) : "", due, MOST_REMEMBERED],
    );
  }

  /** The newest first. */
  async deliveries(jobId: string): Promise<WebhookDelivery[]> {
    const found = await this.redis.lrange(this.keys.deliveries(jobId), 0, -1);
    return found.map((text) => WebhookDelivery.parse(JSON.parse(text)));
  }
}
