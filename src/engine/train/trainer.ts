/**
 * Trainer: the epoch loop. Synchronous, so it runs in a thread of its own; it stops when told to, between steps. Several
 * may take turns in one thread.
 */

import type { Backend } from "../backend.ts";
import { Device, useDevice, withDevice } from "../device.ts";
import type { Sequential } from "../nn/sequential.ts";
import type { Optimizer } from "../optim/index.ts";
import { PlanningBackend } from "../planning-backend.ts";
import type { Shape } from "../shape.ts";
import { assemble, type Parts } from "./assemble.ts";
import { BestWeights } from "./best-weights.ts";
import { ChangeQueue, type PlannedChange } from "./change-queue.ts";
import { decodeCheckpoint } from "./checkpoint.ts";
import { CheckpointSchedule } from "./checkpoint-schedule.ts";
import { nameOfNonFinite, WeightCheck } from "./divergence.ts";
import { stepsPerEpoch } from "./epoch-size.ts";
import { type Anomaly, EpochSteps } from "./epoch-steps.ts";
import type { Examples, ExpectedExamples, TrainerHooks, TrainerOutcome, TrainingPlan } from "./plan.ts";
import { type Answers, Prober } from "./prober.ts";
import { Recovery } from "./recovery.ts";
import { RestartPoint } from "./restart-point.ts";
import { type RunParts, restoreRun, saveRun } from "./saved-run.ts";
import { lossesOfSteps } from "./step-losses.ts";
import type { TallyResult } from "./tally.ts";

/** What happened to an epoch's steps. */
type Progress = "done" | "stopped" | Anomaly;

export class Trainer {
  readonly model: Sequential;
  readonly optimizer: Optimizer;
  readonly #plan: TrainingPlan<unknown>;
  readonly #device: Device;
  readonly #parts: Parts;
  readonly #steps: EpochSteps;
  readonly #stepsPerEpoch: number;
  readonly #best: BestWeights;
  readonly #changes: ChangeQueue;
  readonly #checkpoints: CheckpointSchedule;
  readonly #weightCheck: WeightCheck;
  readonly #restart: RestartPoint;
  readonly #recovery: Recovery;
  readonly #prober: Prober;
  readonly #run: RunParts;
  #epochs: number;
  #epoch = 0;
  #elapsedBefore = 0;
  /** While others had their turns, in ms. */
  #waited = 0;
  #startedAt = performance.now();

  /** Trainers that take turns may share a backend: data that they have in common lie there once. */
  static create(plan: TrainingPlan, backend: Backend): Trainer {
    const device = useDevice(new Device(backend));
    try {
      const trainer = new Trainer(plan, device);
      trainer.#restart.take({ step: 0, cursor: 0, tally: null });
      return trainer;
    } catch (error) {
      device.dispose();
      throw error;
    }
  }

  /** The most memory that the training would take, counted on a device that computes nothing; none of it is taken. */
  static plannedBytes(plan: TrainingPlan<ExpectedExamples>): number {
    const backend = new PlanningBackend();
    const device = new Device(backend);
    withDevice(device, () => {
      const trainer = new Trainer(plan, device);
      trainer.#steps.rehearse();
      trainer.#parts.evaluator?.rehearse();
      trainer.#prober.rehearse();
      trainer.dispose();
    });
    return backend.memory.peak;
  }

  private constructor(plan: TrainingPlan<Examples | ExpectedExamples>, device: Device) {
    this.#plan = plan;
    this.#device = device;
    this.#parts = assemble(plan, device);
    const { model, optimizer } = this.#parts;
    this.model = model;
    this.optimizer = optimizer;
    this.#steps = new EpochSteps(device, plan, this.#parts);
    this.#stepsPerEpoch = stepsPerEpoch(plan);
    this.#best = new BestWeights(model, plan.earlyStopping, plan.validation !== undefined);
    this.#changes = new ChangeQueue(plan.changes, plan.repeatedChanges);
    this.#checkpoints = new CheckpointSchedule(plan.checkpoint);
    this.#weightCheck = new WeightCheck(device, optimizer.parameters);
    this.#restart = new RestartPoint(model, optimizer);
    this.#recovery = new Recovery(device, plan, this.#parts, { steps: this.#steps, restart: this.#restart });
    const { train, batchSize } = plan;
    this.#prober = new Prober(device, {
      model,
      inputShape: train.inputShape,
      outputShape: this.#parts.outputShape,
      rows: Math.min(batchSize, train.count),
      compiled: plan.mode === "compiled",
    });
    this.#epochs = plan.epochs;
    this.#run = {
      ...this.#parts,
      steps: this.#steps,
      best: this.#best,
      changes: this.#changes,
      restart: this.#restart,
      recovery: this.#recovery,
    };
  }

  /** Trains to the end, or until told to stop; afterwards {@link checkpoint} gives the weights to keep. */
  run(hooks: TrainerHooks): TrainerOutcome {
    const turn = this.start(hooks);
    for (;;) {
      const outcome = turn();
      if (outcome) return outcome;
    }
  }

  /**
   * The same in turns of a few milliseconds, for trainers that share a backend. Each call trains for one turn, and gives the outcome
   * once there is one.
   */
  start(hooks: TrainerHooks): () => TrainerOutcome | null {
    const turns = this.#turns(hooks);
    return () => {
      const turn = withDevice(this.#device, () => turns.next());
      return turn.done ? turn.value : null;
    };
  }

  *#turns(hooks: TrainerHooks): Generator<void, TrainerOutcome> {
    this.#startedAt = performance.now();
    this.#checkpoints.restart();
    if (this.#steps.step === 0 && this.#steps.cursor === 0) {
      const untrained = this.#probe(0, hooks);
      if (untrained === null) return { status: "stopped", epoch: 0 };
      if (untrained) hooks.onEvent({ type: "probe", epoch: 0, ...untrained });
    }
    for (;;) {
      this.#heed(hooks);
      if (this.#epoch >= this.#epochs || this.#best.shouldStop) break;
      const progress = yield* this.#trainEpoch(hooks);
      const end = typeof progress === "object" ? this.#recover(hooks, progress) : progress;
      if (typeof end === "object") return end;
      if (end === "stopped") return { status: "stopped", epoch: this.#epoch };
    }
    this.#best.finish();
    return { status: "completed", epoch: this.#epoch };
  }

  *#trainEpoch(hooks: TrainerHooks): Generator<void, Progress> {
    const startedAt = performance.now() - this.#waited;
    const samples = this.#steps.left;
    this.#steps.begin();
    const progress = yield* this.#trainSteps(hooks);
    if (progress !== "done") return progress;
    const trained = performance.now() - this.#waited - startedAt;
    const { evaluator } = this.#parts;
    const validation = evaluator ? evaluator.run(() => hooks.shouldStop()) : undefined;
    if (validation === null) return "stopped";
    const weights = this.#weightCheck.nonFinite();
    if (weights !== undefined) return { step: this.#steps.step, loss: weights, batches: this.#plan.accumulateSteps };
    // As the validation: whoever is stopped here has not closed the epoch, and does this again.
    const probed = this.#probe(this.#epoch + 1, hooks);
    if (probed === null) return "stopped";
    this.#closeEpoch(hooks, validation, probed, (samples / Math.max(trained, 1e-3)) * 1000);
    return "done";
  }

  /** Undefined where the plan has no probe; null when stopped before the end. */
  #probe(epoch: number, hooks: TrainerHooks): Answers | undefined | null {
    const { probes } = this.#plan;
    const isDue = probes && (epoch % probes.everyEpochs === 0 || epoch === this.#epochs);
    return isDue ? this.ask(probes.inputs, () => hooks.shouldStop()) : undefined;
  }

  /** What the model gives now for samples one after another; for use in an event, too. Null when told to stop. */
  ask(inputs: Float32Array, shouldStop: () => boolean): Answers | null {
    return withDevice(this.#device, () => this.#prober.ask(inputs, shouldStop));
  }

  /** What the model gives for one sample. */
  get outputShape(): Shape {
    return this.#parts.outputShape;
  }

  *#trainSteps(hooks: TrainerHooks): Generator<void, Progress> {
    while (this.#steps.left > 0) {
      if (hooks.shouldStop()) return "stopped";
      // What comes at the start of an epoch was heeded before it was known that there will be one.
      if (this.#steps.cursor > 0) this.#heed(hooks);
      const done = this.#steps.run(Math.max(1, this.#changes.stepsUntilNext(this.#place)));
      const every = this.#plan.tellSteps;
      const told = every ? lossesOfSteps(done.batchLosses, done.sizes, done.before, every) : null;
      if (every && told) hooks.onEvent({ type: "steps", epoch: this.#epoch + 1, every, ...told });
      if (done.anomaly) return done.anomaly;
      if (this.#checkpoints.isDueByTime()) this.#tellCheckpoint(hooks);
      const turnEnd = performance.now();
      yield;
      this.#waited += performance.now() - turnEnd;
    }
    return "done";
  }

  #closeEpoch(
    hooks: TrainerHooks,
    validation: TallyResult | undefined,
    probed: Answers | undefined,
    rate: number,
  ): void {
    this.#epoch++;
    const { loss, metrics, tables } = this.#steps.close();
    const values = {
      epoch: this.#epoch,
      loss,
      metrics,
      ...(tables && { tables }),
      ...(validation && { val_loss: validation.loss, val_metrics: validation.metrics }),
      ...(validation?.tables && { val_tables: validation.tables }),
    };
    this.#parts.rates.endEpoch(validation?.loss ?? loss);
    this.#best.observe(values);
    const { step } = this.#steps;
    this.#restart.take({ step, cursor: 0, tally: null });
    const elapsed = this.#elapsed();
    const epochs = this.#epochs;
    hooks.onEvent({
      type: "epoch",
      ...values,
      epochs,
      step,
      steps: this.#stepsPerEpoch * epochs,
      lr: this.#parts.rates.lr,
      samples_per_s: Math.round(rate),
      elapsed_ms: Math.round(elapsed),
      eta_s: Math.round((elapsed / this.#epoch) * (epochs - this.#epoch)) / 1000,
      best: this.#best.best ?? { epoch: this.#epoch, metric: "loss", value: loss },
    });
    if (probed) hooks.onEvent({ type: "probe", epoch: this.#epoch, ...probed });
    if (this.#checkpoints.isDueAfterEpoch(this.#epoch)) this.#tellCheckpoint(hooks);
  }

  #tellCheckpoint(hooks: TrainerHooks, wish?: number): void {
    this.#checkpoints.restart();
    const best = this.#best.isUnsaved;
    hooks.onEvent({
      type: "checkpoint",
      ...this.position,
      bytes: this.checkpoint(),
      best,
      ...(wish !== undefined && { wish }),
    });
  }

  /** After a loss that was not finite. Whether the run goes on. */
  #recover(hooks: TrainerHooks, anomaly: Anomaly): TrainerOutcome | "stopped" | "goes on" {
    const event = this.#recovery.recover(anomaly, this.#epoch, () => hooks.shouldStop());
    if (!event) return "stopped";
    hooks.onEvent(event);
    const { epoch, step, message, loss, action } = event;
    if (action === "stop") return { status: "diverged", epoch, step, message, loss: nameOfNonFinite(loss) };
    // So that whoever goes on after a crash need not come to this place again.
    this.#tellCheckpoint(hooks);
    return "goes on";
  }

  get #place(): { step: number; rollbacks: number } {
    return { step: this.#steps.step, rollbacks: this.#recovery.rollbacks };
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
      if (due.lr !== undefined) this.#parts.rates.change(this.#steps.step, due.lr);
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
    if (earlyStopping !== undefined) this.#best.change(earlyStopping);
    if (epochs === undefined) return change;
    // An epoch that has begun is trained to its end.
    this.#epochs = Math.max(epochs, this.#epoch + (this.#steps.cursor > 0 ? 1 : 0));
    return { ...change, epochs: this.#epochs };
  }

  /** Whether the best weights are put back at the end. */
  get restoresBest(): boolean {
    return this.#best.areRestored;
  }

  #elapsed(): number {
    return this.#elapsedBefore + performance.now() - this.#startedAt;
  }

  /** Whole epochs and updates behind it. */
  get position(): { readonly epoch: number; readonly step: number } {
    return { epoch: this.#epoch, step: this.#steps.step };
  }

  /** Everything needed to go on with the same bits. */
  checkpoint(): Uint8Array<ArrayBuffer> {
    this.#best.isUnsaved = false;
    const { onNonfinite, about } = this.#plan;
    const mayGoBack = onNonfinite === "rollback";
    return saveRun(this.#run, { epoch: this.#epoch, elapsedMs: this.#elapsed(), mayGoBack }, about);
  }

  /** Goes on from a checkpoint of the same plan. */
  restore(checkpoint: Uint8Array): void {
    const saved = decodeCheckpoint(checkpoint);
    this.#epoch = saved.position.epoch;
    this.#elapsedBefore = saved.position.elapsedMs;
    restoreRun(this.#run, saved, () => {
      for (const change of this.#changes.past) this.#apply(change);
    });
  }

  /** Frees everything that this trainer holds on the device. */
  dispose(): void {
    this.#steps.dispose();
    this.#parts.evaluator?.dispose();
    this.#prober.dispose();
    this.#device.dispose();
  }
}
