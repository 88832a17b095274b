/** Brings what is asked of a job, as its state has it, to the trainer: each wish once, in order. */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { JobState } from "../jobs/job.ts";
import type { JobLog } from "../jobs/job-log.ts";
import type { NumberedWish } from "./trainer-messages.ts";

export class Wishes {
  private readonly log: JobLog;
  private readonly id: string;
  private readonly channel = new MessageChannel();
  private sent: number;
  private delivering: Promise<void> = Promise.resolve();

  constructor(log: JobLog, { id, wishesDone }: Pick<JobState, "id" | "wishesDone">) {
    this.log = log;
    this.id = id;
    this.sent = wishesDone;
    this.channel.port1.unref();
  }

  /** For the trainer. */
  get receiver(): MessagePort {
    return this.channel.port2;
  }

  /** Sends what is new in the job's state. */
  deliver(): Promise<void> {
    // Whoever asked for it was told of the last failure.
    this.delivering = this.delivering.catch(() => {}).then(() => this.sendNew());
    return this.delivering;
  }

  close(): void {
    this.channel.port1.close();
  }

  private async sendNew(): Promise<void> {
    const wishes = await this.log.wishes(this.id);
    for (const wish of wishes.slice(this.sent)) {
      this.sent++;
      this.channel.port1.postMessage({ number: this.sent, wish } satisfies NumberedWish);
    }
  }
}
