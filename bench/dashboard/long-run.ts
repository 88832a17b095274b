/** A run whose log is written as a worker would: many epochs at once, then more at a steady pace. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { JobScript } from "../../test/api/job-script.ts";

const AT_ONCE = 1000;

export class LongRun implements AsyncDisposable {
  readonly #parts: JobParts;
  readonly #job: JobScript;

  private constructor(parts: JobParts) {
    this.#parts = parts;
    this.#job = new JobScript(parts, 1_000_000);
  }

  static async write(parts: JobParts, epochs: number): Promise<LongRun> {
    const run = new LongRun(parts);
    await (await run.#job.queue({ name: "a long run" })).start();
    for (let written = 0; written < epochs; written += AT_ONCE)
      await run.#job.train(Math.min(AT_ONCE, epochs - written), figuresOf);
    return run;
  }

  get id(): string {
    return this.#job.id;
  }

  /** One event for each epoch, each when it is due. Gives how many came to be written a second. */
  async goOn(rate: number, seconds: number): Promise<number> {
    const begun = performance.now();
    for (let i = 0; i < rate * seconds; i++) {
      const early = begun + (i * 1000) / rate - performance.now();
      if (early > 1) await sleep(early);
      await this.#job.train(1, figuresOf);
    }
    return (rate * seconds) / ((performance.now() - begun) / 1000);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.close();
  }
}

/** Falls as losses do, and is as ragged. */
function figuresOf(epoch: number) {
  const ragged = (seed: number) => Math.abs(Math.sin(epoch * 12.9898 + seed) * 43758.5453) % 1;
  const loss = 2 / Math.sqrt(epoch) + 0.02 + 0.4 * ragged(1);
  const accuracy = 1 - 0.8 / Math.sqrt(epoch) - 0.05 * ragged(2);
  return {
    loss,
    val_loss: loss * (1.1 + 0.1 * ragged(3)),
    metrics: { accuracy },
    val_metrics: { accuracy: accuracy - 0.02 * ragged(4) },
    lr: 0.05 * (1 + Math.cos(epoch / 5000)),
    samples_per_s: 90_000 + 20_000 * ragged(5),
    elapsed_ms: epoch * 10,
  };
}
