/** Trainer: the epoch loop. Synchronous, so it runs in a thread of its own; it stops when told to, between steps. */

import type { Backend } from "../backend.ts";
import { Device, useDevice, withDevice } from "../device.ts";
import { losses } from "../losses/index.ts";
import { buildModel } from "../nn/build.ts";
import type { LossDefinition } from "../nn/definition.ts";
import type { Module, Weights } from "../nn/module.ts";
import type { Sequential } from "../nn/sequential.ts";
import { type Optimizer, optimizers } from "../optim/index.ts";
import { PlanningBackend } from "../planning-backend.ts";
import { RandomStream } from "../random.ts";
import { batchSizes, build, definitionOf, outputShape, withMomentum } from "./assemble.ts";
import { Batches } from "./batches.ts";
import { ChangeQueue, type PlannedChange } from "./change-queue.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { describeDivergence, firstNonFiniteWeight, nameOfNonFinite } from "./divergence.ts";
import { Evaluator } from "./evaluator.ts";
import { inspectStep, type StepFindings } from "./inspect-step.ts";
import { Monitor } from "./monitor.ts";
import { Pacer } from "./pacer.ts";
import type {
  EarlyStoppingPlan,
  Examples,
  ExpectedExamples,
  TrainerHooks,
  TrainerOutcome,
  TrainingPlan,
} from "./plan.ts";
import { Rates, startingMomentum } from "./rates.ts";
import { loadStreams, RestartPoint, streamStates } from "./restart-point.ts";
import { lossesOfSteps } from "./step-losses.ts";
import { Tally, type TallyResult } from "./tally.ts";
import { LOSS_RING, TrainingStep } from "./training-step.ts";

/** Long enough to keep JavaScript out of the way, short enough that a cancel is felt at once. */
const CHUNK_MS = 10;

/** So often a run goes back: by then it trains at a thousandth of its rate. */
const MOST_ROLLBACKS = 10;

/** A loss that is not finite; `batches`: how many of the step's batches it took. */
interface Anomaly {
  readonly step: number;
  readonly loss: number;
  readonly batches: number;
}

/** What happened to an epoch's steps. */
type Progress = "done" | "stopped" | Anomaly;

export class Trainer {
  readonly model: Sequential;
  readonly optimizer: Optimizer;
  readonly #plan: TrainingPlan<unknown>;
  readonly #device: Device;
  readonly #rates: Rates;
  readonly #batches: Batches;
  readonly #tally: Tally;
  readonly #step: TrainingStep;
  readonly #criterion: Module;
  readonly #evaluator: Evaluator | null;
  readonly #changes: ChangeQueue;
  #monitor: Monitor;
  #epochs: number;
  #earlyStopping: EarlyStoppingPlan | null;
  readonly #shuffle: RandomStream;
  /** The shuffle stream as it was before the current epoch's order was drawn; null between epochs. */
  #shuffledFrom: Int32Array | null = null;
  readonly #restart: RestartPoint;
  /** Weights after the best epoch so far. On the host: training itself never reads them. */
  #best: ReadonlyMap<string, Weights> | null = null;
  readonly #pacer = new Pacer(CHUNK_MS, LOSS_RING);
  #epoch = 0;
  #steps = 0;
  #elapsedBefore = 0;
  #startedAt = performance.now();
  #checkpointedAt = performance.now();
  #bestChanged = false;
  #rollbacks = 0;

  /** The plan's device: pass the backend that no other trainer of this thread uses at the same time. */
  static create(plan: TrainingPlan, backend: Backend): Trainer {
    const trainer = new Trainer(plan, useDevice(new Device(backend)));
    trainer.#restart.take({ step: 0, cursor: 0, tally: null });
    return trainer;
  }

  /** The most memory that the training would take, counted on a device that computes nothing; none of it is taken. */
  static plannedBytes(plan: TrainingPlan<ExpectedExamples>): number {
    const backend = new PlanningBackend();
    const device = new Device(backend);
    withDevice(device, () => {
      const trainer = new Trainer(plan, device);
      trainer.#rehearse();
      trainer.dispose();
    });
    return backend.memory.peak;
  }

  private constructor(plan: TrainingPlan<Examples | ExpectedExamples>, device: Device) {
    this.#plan = plan;
    this.#device = device;
    const lossDefinition = definitionOf("loss", losses, plan.loss);
    this.model = buildModel(plan.layers).seed(plan.seed);
    if (plan.initialWeights) this.model.loadStateDict(new Map(Object.entries(plan.initialWeights)), { strict: false });
    this.#batches = new Batches(device, plan.train);
    const length = { epochs: plan.epochs, stepsPerEpoch: this.#stepsPerEpoch };
    const momentum = startingMomentum(plan.scheduler, length);
    const typed = momentum === undefined ? plan.optimizer : withMomentum(plan.optimizer, momentum);
    const optimizerDefinition = definitionOf("optimizer", optimizers, typed);
    this.optimizer = build(optimizerDefinition, typed, (definition, args) =>
      definition.create(this.model.parameters(), args),
    );
    this.#rates = new Rates(device, this.optimizer, plan.scheduler, optimizerDefinition.momentumAt, length, LOSS_RING);
    const criterion = build(lossDefinition, plan.loss, (definition, args) => definition.create(args));
    this.#criterion = criterion;
    const output = outputShape(this.model, plan.train.inputShape);
    this.#tally = new Tally(device, lossDefinition, output, plan.metrics, plan.train.count);
    this.#step = new TrainingStep(device, plan, {
      model: this.model,
      criterion,
      optimizer: this.optimizer,
      rates: this.#rates,
      batches: this.#batches,
      tally: this.#tally,
    });
    this.#evaluator = plan.validation
      ? this.#makeEvaluator(device, plan.validation, lossDefinition, criterion, output)
      : null;
    this.#changes = new ChangeQueue(plan.changes, plan.repeatedChanges);
    this.#epochs = plan.epochs;
    this.#earlyStopping = plan.earlyStopping ?? null;
    this.#monitor = new Monitor(plan.earlyStopping, plan.validation !== undefined);
    this.#shuffle = new RandomStream(plan.seed, "shuffle", device);
    this.#restart = new RestartPoint(this.model, this.optimizer);
  }

  #makeEvaluator(
    device: Device,
    examples: Examples | ExpectedExamples,
    loss: LossDefinition,
    criterion: Module,
    output: readonly number[],
  ): Evaluator {
    const { metrics, batchSize, mode } = this.#plan;
    const tally = new Tally(device, loss, output, metrics, examples.count);
    return new Evaluator(device, {
      model: this.model,
      criterion,
      examples,
      tally,
      batchSize,
      compiled: mode === "compiled",
    });
  }

  /** Samples that an epoch uses. */
  get #samples(): number {
    const { count } = this.#batches;
    return this.#plan.dropLast ? count - (count % this.#plan.batchSize) : count;
  }

  /** Updates in an epoch. */
  get #stepsPerEpoch(): number {
    const { batchSize, accumulateSteps } = this.#plan;
    return Math.ceil(Math.ceil(this.#samples / batchSize) / accumulateSteps);
  }

  /** Trains to the end, or until told to stop; afterwards {@link checkpoint} gives the weights to keep. */
  run(hooks: TrainerHooks): TrainerOutcome {
    this.#startedAt = performance.now();
    this.#checkpointedAt = this.#startedAt;
    for (;;) {
      this.#heed(hooks);
      if (this.#epoch >= this.#epochs || this.#monitor.shouldStop) break;
      const progress = this.#trainEpoch(hooks);
      const end = typeof progress === "object" ? this.#recover(hooks, progress) : progress;
      if (typeof end === "object") return end;
      if (end === "stopped") return { status: "stopped", epoch: this.#epoch };
    }
    if (this.restoresBest && this.#best) this.model.loadStateDict(this.#best);
    return { status: "completed", epoch: this.#epoch };
  }

  #trainEpoch(hooks: TrainerHooks): Progress {
    const startedAt = performance.now();
    const before = this.#batches.cursor;
    if (before === 0 && this.#shuffledFrom === null) this.#beginEpoch();
    const progress = this.#trainSteps(hooks);
    if (progress !== "done") return progress;
    const trained = performance.now() - startedAt;
    const validation = this.#evaluator ? this.#evaluator.run(() => hooks.shouldStop()) : undefined;
    if (validation === null) return "stopped";
    const weights = firstNonFiniteWeight(this.model);
    if (weights !== undefined) return { step: this.#steps, loss: weights, batches: this.#plan.accumulateSteps };
    this.#closeEpoch(hooks, validation, ((this.#samples - before) / Math.max(trained, 1e-3)) * 1000);
    return "done";
  }

  /** Each kind of step and evaluation once; of many equal batches before an update, as many as can be told apart. */
  #rehearse(): void {
    const { batchSize, accumulateSteps } = this.#plan;
    const group = batchSize * accumulateSteps;
    const last = this.#samples % group;
    for (const samples of [this.#samples >= group ? group : 0, last]) {
      const sizes = batchSizes(samples, batchSize);
      if (sizes.length > 0) this.#step.run(sizes.length > 3 ? [...sizes.slice(0, 2), ...sizes.slice(-1)] : sizes, 0, 1);
    }
    this.#evaluator?.rehearse();
  }

  #beginEpoch(): void {
    this.#tally.reset();
    this.#drawOrder();
  }

  #drawOrder(): void {
    this.#shuffledFrom = this.#shuffle.state;
    if (this.#plan.shuffle) this.#batches.shuffle(this.#shuffle);
  }

  #trainSteps(hooks: TrainerHooks): Progress {
    while (this.#batches.cursor < this.#samples) {
      if (hooks.shouldStop()) return "stopped";
      // What comes at the start of an epoch was heeded before it was known that there will be one.
      if (this.#batches.cursor > 0) this.#heed(hooks);
      const epoch = this.#epoch + 1;
      const first = this.#steps;
      const { sizes, batchLosses, bad } = this.#runSteps(Math.max(1, this.#changes.stepsUntilNext(this.#place)));
      const every = this.#plan.tellSteps;
      if (every) {
        const told = lossesOfSteps(bad < 0 ? batchLosses : batchLosses.subarray(0, bad), sizes, first, every);
        if (told) hooks.onEvent({ type: "steps", epoch, every, ...told });
      }
      if (bad >= 0) {
        const step = first + Math.floor(bad / sizes.length) + 1;
        return { step, loss: batchLosses[bad] ?? Number.NaN, batches: (bad % sizes.length) + 1 };
      }
      this.#checkpointIfDue(hooks, "seconds");
    }
    return "done";
  }

  /** Some steps of the same batch sizes, at most `most`. `bad`: the first batch whose loss was not finite, or −1. */
  #runSteps(most: number): { sizes: readonly number[]; batchLosses: Float32Array; bad: number } {
    const left = this.#samples - this.#batches.cursor;
    const group = this.#plan.batchSize * this.#plan.accumulateSteps;
    const sizes = this.#sizesOfStep(left);
    let batchLosses: Float32Array = new Float32Array(0);
    const times = this.#pacer.run(
      Math.min(Math.floor(left / group) || 1, Math.floor(LOSS_RING / sizes.length) || 1, most),
      (n) => {
        batchLosses = this.#step.run(sizes, this.#steps, n);
      },
    );
    const bad = batchLosses.findIndex((loss) => !Number.isFinite(loss));
    this.#steps += times;
    return { sizes, batchLosses, bad };
  }

  /** The batches of the next step, where so many samples of the epoch are left. */
  #sizesOfStep(left: number): number[] {
    const { batchSize, accumulateSteps } = this.#plan;
    return batchSizes(Math.min(left, batchSize * accumulateSteps), batchSize);
  }

  #closeEpoch(hooks: TrainerHooks, validation: TallyResult | undefined, rate: number): void {
    this.#epoch++;
    const { loss, metrics, tables } = this.#tally.result(this.#samples);
    const values = {
      epoch: this.#epoch,
      loss,
      metrics,
      ...(tables && { tables }),
      ...(validation && { val_loss: validation.loss, val_metrics: validation.metrics }),
      ...(validation?.tables && { val_tables: validation.tables }),
    };
    this.#rates.endEpoch(validation?.loss ?? loss);
    const improved = this.#monitor.observe(values);
    if (improved) {
      this.#best = this.model.stateDict();
      this.#bestChanged = true;
    }
    this.#restart.take({ step: this.#steps, cursor: 0, tally: null });
    this.#batches.cursor = 0;
    this.#shuffledFrom = null;
    const elapsed = this.#elapsed();
    const epochs = this.#epochs;
    hooks.onEvent({
      type: "epoch",
      ...values,
      epochs,
      step: this.#steps,
      steps: this.#stepsPerEpoch * epochs,
      lr: this.#rates.lr,
      samples_per_s: Math.round(rate),
      elapsed_ms: Math.round(elapsed),
      eta_s: Math.round((elapsed / this.#epoch) * (epochs - this.#epoch)) / 1000,
      best: this.#monitor.best ?? { epoch: this.#epoch, metric: "loss", value: loss },
    });
    this.#checkpointIfDue(hooks, "epochs");
  }

  #checkpointIfDue(hooks: TrainerHooks, what: "seconds" | "epochs"): void {
    const { everyEpochs, everySeconds } = this.#plan.checkpoint;
    const now = performance.now();
    const due =
      what === "epochs"
        ? everyEpochs != null && this.#epoch % everyEpochs === 0
        : everySeconds != null && now - this.#checkpointedAt >= everySeconds * 1000;
    if (!due) return;
    this.#tellCheckpoint(hooks);
  }

  #tellCheckpoint(hooks: TrainerHooks, wish?: number): void {
    this.#checkpointedAt = performance.now();
    const best = this.#bestChanged;
    hooks.onEvent({
      type: "checkpoint",
      epoch: this.#epoch,
      step: this.#steps,
      bytes: this.checkpoint(),
      best,
      ...(wish !== undefined && { wish }),
    });
  }

  /** After a loss that was not finite: tells what is known of it, and goes back. Whether the run goes on. */
  #recover(hooks: TrainerHooks, anomaly: Anomaly): TrainerOutcome | "stopped" | "goes on" {
    const { step, loss } = anomaly;
    const { lr } = this.#rates;
    const findings = this.#inspect(hooks, anomaly);
    if (findings === "stopped") return "stopped";
    this.#goBack();
    const action = this.#plan.onNonfinite === "rollback" && this.#rollbacks < MOST_ROLLBACKS ? "rollback" : "stop";
    if (action === "rollback") {
      this.#rollbacks++;
      this.#rates.change(this.#steps, this.#rates.base / 2);
    }
    const epoch = this.#epoch;
    const message = describeDivergence({ epoch, step, loss, lr, layer: findings.layer, action });
    const back = { epoch, step: this.#steps };
    const about = { epoch: epoch + 1, step, message };
    hooks.onEvent({ type: "anomaly", ...about, ...findings, loss, action, back, lr: this.#rates.base });
    if (action === "stop") return { status: "diverged", ...about, loss: nameOfNonFinite(loss) };
    // So that whoever goes on after a crash need not come to this place again.
    this.#tellCheckpoint(hooks);
    return "goes on";
  }

  /** The same steps again, up to the one at fault: what was before it is needed, and only what follows from it is there. */
  #inspect(hooks: TrainerHooks, { step, batches }: Anomaly): StepFindings | "stopped" {
    this.#goBack();
    while (this.#steps < step - 1) {
      if (hooks.shouldStop()) return "stopped";
      this.#runSteps(step - 1 - this.#steps);
    }
    const sizes = this.#sizesOfStep(this.#samples - this.#batches.cursor).slice(0, batches);
    const parts = { model: this.model, criterion: this.#criterion, batches: this.#batches };
    return inspectStep(
      this.#device,
      parts,
      sizes,
      this.#plan.layers.map(({ type }) => type),
    );
  }

  #goBack(): void {
    const { step, cursor, tally } = this.#restart.putBack();
    this.#steps = step;
    this.#batches.cursor = cursor;
    if (tally) this.#tally.state = tally;
    else this.#tally.reset();
  }

  get #place(): { step: number; rollbacks: number } {
    return { step: this.#steps, rollbacks: this.#rollbacks };
  }

  /** Takes up wishes, and does what is to change now. */
  #heed(hooks: TrainerHooks): void {
    const wishes = this.#changes.isOpen ? (hooks.wishes?.() ?? []) : [];
    for (const { change, number, checkpoint } of wishes) {
      if (Object.keys(change).length > 0) {
        this.#changes.insert({ ...change, ...this.#place });
        this.#tellChanges(hooks, number);
      }
      if (checkpoint) this.#tellCheckpoint(hooks, number);
    }
    this.#tellChanges(hooks, null);
  }

  /** `wish`: the one that the first of them comes from. */
  #tellChanges(hooks: TrainerHooks, wished: number | null): void {
    let wish = wished;
    for (let due = this.#changes.take(this.#place); due; due = this.#changes.take(this.#place)) {
      if (due.lr !== undefined) this.#rates.change(this.#steps, due.lr);
      const change = this.#apply(due);
      const steps = this.#stepsPerEpoch * this.#epochs;
      const number = this.#changes.taken;
      hooks.onEvent({ type: "change", number, wish, epoch: this.#epoch + 1, change, epochs: this.#epochs, steps });
      wish = null;
    }
  }

  /** All of a change but the rate, which has its own memory. Gives the change as it took effect. */
  #apply(change: PlannedChange): PlannedChange {
    const { epochs, earlyStopping } = change;
    if (earlyStopping !== undefined) {
      this.#earlyStopping = earlyStopping;
      const monitor = new Monitor(earlyStopping, this.#evaluator !== null);
      if (!monitor.follow(this.#monitor)) this.#best = null;
      this.#monitor = monitor;
    }
    if (epochs === undefined) return change;
    // An epoch that has begun is trained to its end.
    this.#epochs = Math.max(epochs, this.#epoch + (this.#batches.cursor > 0 ? 1 : 0));
    return { ...change, epochs: this.#epochs };
  }

  /** Whether the best weights are put back at the end. */
  get restoresBest(): boolean {
    return this.#earlyStopping?.restoreBest ?? false;
  }

  #elapsed(): number {
    return this.#elapsedBefore + performance.now() - this.#startedAt;
  }

  /** Whole epochs and updates behind it. */
  get position(): { readonly epoch: number; readonly step: number } {
    return { epoch: this.#epoch, step: this.#steps };
  }

  /** Everything needed to go on with the same bits. */
  checkpoint(): Uint8Array<ArrayBuffer> {
    this.#bestChanged = false;
    const streams = new Map(Array.from(streamStates(this.model), ([name, state]) => [`model.${name}`, state]));
    streams.set("shuffle", this.#shuffledFrom ?? this.#shuffle.state);
    return encodeCheckpoint({
      position: {
        epoch: this.#epoch,
        step: this.#steps,
        cursor: this.#batches.cursor,
        elapsedMs: this.#elapsed(),
        plateau: this.#rates.state,
        best: this.#monitor.best,
        badEpochs: this.#monitor.badEpochs,
        rates: this.#rates.changes,
        changes: this.#changes.taken,
        rollbacks: this.#rollbacks,
      },
      model: this.model.stateDict(),
      best: this.#best,
      optimizer: this.optimizer.stateDict(),
      streams,
      tally: this.#tally.state,
      // A run that may go back must find the start of its epoch, wherever it goes on.
      restart: this.#plan.onNonfinite === "rollback" && this.#batches.cursor > 0 ? this.#restart.state : null,
    });
  }

  /** Goes on from a checkpoint of the same plan. */
  restore(checkpoint: Uint8Array): void {
    const { position, model, best, optimizer, streams, tally, restart } = decodeCheckpoint(checkpoint);
    this.model.loadStateDict(model);
    this.optimizer.loadStateDict(optimizer);
    this.#rates.restore(position.plateau, position.rates, position.step);
    const own = [...streams].flatMap(([name, state]) =>
      name.startsWith("model.") ? [[name.slice("model.".length), state] as const] : [],
    );
    loadStreams(this.model, new Map(own));
    this.#shuffle.state = streams.get("shuffle") ?? this.#shuffle.state;
    if (position.cursor > 0) this.#drawOrder();
    this.#batches.cursor = position.cursor;
    this.#tally.state = tally;
    this.#changes.taken = position.changes;
    for (const change of this.#changes.past) this.#apply(change);
    this.#monitor.best = position.best;
    this.#monitor.badEpochs = position.badEpochs;
    this.#best = best;
    this.#epoch = position.epoch;
    this.#steps = position.step;
    this.#elapsedBefore = position.elapsedMs;
    this.#rollbacks = position.rollbacks;
    if (restart) this.#restart.load(restart);
    else this.#restart.take({ step: position.step, cursor: position.cursor, tally });
  }

  /** Frees everything that this trainer holds on the device. */
  dispose(): void {
    this.#step.dispose();
    this.#evaluator?.dispose();
    this.#device.dispose();
  }
}
