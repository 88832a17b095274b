/** Loss and metrics of the validation data: no gradients, dropout off, running statistics used. */
import { noGrad } from "../autograd.ts";
import type { Device } from "../device.ts";
import type { Module } from "../nn/module.ts";
import { Batches } from "./batches.ts";
import { batchSizes } from "./epoch-size.ts";
import { Pacer } from "./pacer.ts";
import type { Examples, ExpectedExamples } from "./plan.ts";
import { Replayable } from "./replayable.ts";
import type { Tally, TallyResult } from "./tally.ts";

export class Evaluator {
  readonly #model: Module;
  readonly #batches: Batches;
  readonly #tally: Tally;
  readonly #batchSize: number;
  readonly #program: Replayable<number>;
  readonly #pacer = new Pacer(10, 1 << 20);

  constructor(
    device: Device,
    parts: {
      model: Module;
      criterion: Module;
      examples: Examples | ExpectedExamples;
      tally: Tally;
      batchSize: number;
      compiled: boolean;
    },
  ) {
    this.#model = parts.model;
    this.#tally = parts.tally;
    this.#batchSize = parts.batchSize;
    const batches = new Batches(device, parts.examples);
    this.#batches = batches;
    this.#program = new Replayable(device, parts.compiled, (rows: number) =>
      noGrad(() => {
        const { inputs, targets, weights } = batches.next(rows);
        const output = parts.model.forward(inputs);
        const loss = parts.criterion.forward(output, targets, ...(weights ? [weights] : []));
        this.#tally.add(loss, output, targets, weights);
      }),
    );
  }

  /** Null when `shouldStop` said so before the end. */
  run(shouldStop: () => boolean): TallyResult | null {
    const { count } = this.#batches;
    this.#model.eval();
    try {
      this.#tally.reset();
      this.#batches.cursor = 0;
      const whole = Math.floor(count / this.#batchSize);
      for (let done = 0; done < whole; ) {
        if (shouldStop()) return null;
        done += this.#pacer.run(whole - done, (times) => this.#program.run(this.#batchSize, times));
      }
      if (count % this.#batchSize > 0) this.#program.run(count % this.#batchSize, 1);
      return this.#tally.result(count);
    } finally {
      this.#model.train();
    }
  }

  /** Does each kind of work once: where nothing is computed, so that its memory is counted. */
  rehearse(): void {
    const { count } = this.#batches;
    this.#model.eval();
    for (const rows of new Set(batchSizes(count, this.#batchSize))) this.#program.run(rows, 1);
    this.#model.train();
  }

  dispose(): void {
    this.#program.dispose();
  }
}
