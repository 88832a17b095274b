/** Writes a job's log as a worker would, event by event, for tests that need a job but no training. */
import type { EventPayload } from "../../src/jobs/events.ts";
import { newId } from "../../src/jobs/ids.ts";
import type { Append } from "../../src/jobs/job-log.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { onCpu } from "../job-fixture.ts";

export const modelSummary = {
  parameters: 17,
  flops_per_sample: 32,
  memory_bytes: 4096,
  layers: [{ name: "0", type: "Linear", output_shape: [1], parameters: 17 }],
};

type Figures = Partial<EventPayload<"epoch">>;

export class JobScript {
  readonly id = newId("job");
  readonly #parts: JobParts;
  readonly #epochs: number;
  #epoch = 0;

  constructor(parts: JobParts, epochs = 1000) {
    this.#parts = parts;
    this.#epochs = epochs;
  }

  async queue(about: { name?: string; metadata?: Record<string, string>; spec?: object } = {}): Promise<this> {
    await this.#parts.jobs.submit({
      id: this.id,
      name: about.name ?? null,
      metadata: about.metadata ?? {},
      spec: about.spec ?? { loss: { type: "MSELoss" }, model: { layers: [] }, data: { builtin: "sine" } },
      modelSummary,
      epochs: this.#epochs,
      steps: this.#epochs,
      priority: 0,
    });
    return this;
  }

  async start(): Promise<this> {
    const data = { attempt: 1, worker: "script", ...onCpu, model_summary: modelSummary };
    await this.#append([{ type: "started", data, state: { started_at: new Date().toISOString() } }]);
    return this;
  }

  /** So many epochs in one batch; `figures` go into each, or what they are for its number. */
  async train(epochs: number, figures: Figures | ((epoch: number) => Figures) = {}): Promise<this> {
    const events = Array.from({ length: epochs }, (): Append => {
      const epoch = ++this.#epoch;
      const data = {
        epoch,
        epochs: this.#epochs,
        step: epoch,
        steps: this.#epochs,
        loss: 1 / epoch,
        metrics: {},
        lr: 0.1,
        samples_per_s: 1000,
        elapsed_ms: epoch,
        eta_s: 1,
        ...(typeof figures === "function" ? figures(epoch) : figures),
      };
      const { steps, step, samples_per_s, eta_s } = data;
      return {
        type: "epoch",
        data,
        state: {
          progress: { epoch, epochs: this.#epochs, step, steps, samples_per_s, eta_s },
          latest: { loss: data.loss, lr: data.lr, metrics: data.metrics },
        },
      };
    });
    await this.#append(events);
    return this;
  }

  async complete(): Promise<this> {
    const links = { self: "", events: "", history: "", model: "", predict: "" };
    const final = { epoch: this.#epoch, loss: 1 / this.#epoch, metrics: {} };
    const state = { finished_at: new Date().toISOString() };
    await this.#append([{ type: "completed", data: { best: null, final, links }, state }]);
    return this;
  }

  async #append(events: readonly Append[]): Promise<void> {
    const outcome = await this.#parts.log.append(this.id, events, 1);
    if (!outcome.ok) throw new Error(`The log refused: ${outcome.reason}, the job is ${outcome.status}.`);
  }
}
