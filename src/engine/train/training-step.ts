/**
 * One update of the weights: batch, forward, loss, backward, clipping, optimizer; with gradient accumulation several
 * batches before the update. All of it instructions, so that it can be recorded and replayed.
 */
import type { Device, Storage } from "../device.ts";
import type { Module } from "../nn/module.ts";
import { mul } from "../ops/index.ts";
import type { Optimizer } from "../optim/index.ts";
import type { Batches } from "./batches.ts";
import type { TrainingPlan } from "./plan.ts";
import type { Rates } from "./rates.ts";
import { Replayable } from "./replayable.ts";
import type { Tally } from "./tally.ts";

/** Steps between two looks at the losses. */
export const LOSS_RING = 4096;

export class TrainingStep {
  readonly #device: Device;
  readonly #model: Module;
  readonly #criterion: Module;
  readonly #optimizer: Optimizer;
  readonly #rates: Rates;
  readonly #batches: Batches;
  readonly #tally: Tally;
  readonly #plan: TrainingPlan<unknown>;
  readonly #program: Replayable<string>;
  /** Loss of each batch since the last look, and how many there are. */
  readonly #ring: Storage;
  readonly #ringAt: Storage;
  readonly #squaredNorm: Storage;

  constructor(
    device: Device,
    plan: TrainingPlan<unknown>,
    parts: { model: Module; criterion: Module; optimizer: Optimizer; rates: Rates; batches: Batches; tally: Tally },
  ) {
    this.#device = device;
    this.#plan = plan;
    this.#model = parts.model;
    this.#criterion = parts.criterion;
    this.#optimizer = parts.optimizer;
    this.#rates = parts.rates;
    this.#batches = parts.batches;
    this.#tally = parts.tally;
    this.#ring = device.allocatePersistent(LOSS_RING * 4);
    this.#ringAt = device.store(new Int32Array(1));
    this.#squaredNorm = device.store(new Float64Array(1));
    this.#program = new Replayable(device, plan.mode === "compiled", (sizes: string) =>
      this.#update(sizes.split(",").map(Number)),
    );
  }

  /** Runs `times` updates from batches of these sizes, `step` of which came before. Returns the loss of each batch. */
  run(sizes: readonly number[], step: number, times: number): Float32Array {
    const { backend } = this.#device;
    this.#rates.prepare(step, times);
    backend.write(this.#ringAt.buffer, Int32Array.of(0));
    this.#program.run(sizes.join(), times);
    return backend.read(this.#ring.buffer, new Float32Array(times * sizes.length));
  }

  dispose(): void {
    this.#program.dispose();
  }

  #update(sizes: readonly number[]): void {
    for (const rows of sizes) {
      const { inputs, targets, weights } = this.#batches.next(rows);
      const output = this.#model.forward(inputs);
      const loss = this.#criterion.forward(output, targets, ...(weights ? [weights] : []));
      const share = this.#plan.accumulateSteps;
      (share > 1 ? mul(loss, 1 / share) : loss).backward();
      this.#tally.add(loss, output, targets, weights);
      this.#device.run("storeAt", [this.#ring.buffer, loss.storage.buffer, this.#ringAt.buffer], [1]);
      this.#device.run("advance", [this.#ringAt.buffer], [1]);
    }
    this.#clip();
    this.#rates.take();
    this.#optimizer.step();
    this.#optimizer.zeroGrad();
  }

  #clip(): void {
    const { clipGradNorm, clipGradValue } = this.#plan;
    const gradients = this.#optimizer.parameters.flatMap(({ grad }) => grad ?? []);
    if (clipGradValue != null) {
      for (const { storage, size } of gradients)
        this.#device.run("clipByValue", [storage.buffer], [size, clipGradValue]);
    }
    if (clipGradNorm != null) {
      const total = this.#squaredNorm.buffer;
      // A float64 zero is two float32 zeros.
      this.#device.run("fill", [total], [2, 0]);
      for (const { storage, size } of gradients) this.#device.run("sumSquares", [total, storage.buffer], [size]);
      for (const { storage, size } of gradients)
        this.#device.run("clipByNorm", [storage.buffer, total], [size, clipGradNorm]);
    }
  }
}
