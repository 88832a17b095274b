/** A crowd of SSE clients in a process of its own, and the orders that it takes. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Percentiles } from "./percentiles.ts";

export type Order =
  /** `stall`: they read nothing. */
  | { readonly do: "open"; readonly urls: readonly string[]; readonly stall?: boolean }
  /** From now on events, pings and delays are counted anew. */
  | { readonly do: "measure" }
  /** Those that stalled and were cut off connect again, go on where they were, and read. */
  | { readonly do: "reopen" }
  | { readonly do: "close" }
  | { readonly do: "report" };

export interface Report {
  readonly connected: number;
  readonly ended: number;
  /** They have heard a terminal event. */
  readonly finished: number;
  readonly pinged: number;
  readonly faults: readonly string[];
  /** The last event of each client, by what it follows. */
  readonly seqs: Readonly<Record<string, readonly number[]>>;
  readonly events: number;
  /** From the time in the event to its arrival. */
  readonly delay: Percentiles;
}

export class Crowd implements Disposable {
  readonly #child = fork(fileURLToPath(new URL("./followers.ts", import.meta.url)));

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  tell(order: Order): Promise<Report> {
    return new Promise((resolve, reject) => {
      this.#child.once("message", (answer: Report | { error: string }) => {
        if ("error" in answer) reject(new Error(answer.error));
        else resolve(answer);
      });
      this.#child.send(order);
    });
  }

  /** Asks now and then until the report is as it should be; gives the last one. */
  async until(check: (report: Report) => boolean, seconds: number): Promise<Report> {
    for (const end = performance.now() + seconds * 1000; ; ) {
      const report = await this.tell({ do: "report" });
      if (check(report) || performance.now() > end) return report;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

/** Deals `clients` out to the jobs, one after the other. */
export const streamsOf = (url: string, jobs: readonly string[], clients: number): string[] =>
  Array.from({ length: clients }, (_, i) => `${url}/v1/jobs/${jobs[i % jobs.length]}/events`);
