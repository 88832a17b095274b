/** The thread that trains: one job after the other, each on a device opened for it alone, deaf to messages while it computes. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { DataSource } from "../data/index.ts";
import { nestNumbers } from "../data/nest-numbers.ts";
import {
  type AnomalyEvent,
  type ChangeEvent,
  createGpuBackend,
  createWasmBackend,
  DeviceLostError,
  type EpochEvent,
  modelWeights,
  type ProbeEvent,
  Trainer,
  type TrainerEvent,
  type TrainerOutcome,
  UnavailableError,
  type Wish,
} from "../engine/index.ts";
import { readWeightsFile } from "../interchange/read-weights-file.ts";
import { loadBulk } from "../jobs/bulk.ts";
import { DatasetCache } from "../jobs/dataset-cache.ts";
import { DatasetStore } from "../jobs/dataset-store.ts";
import type { DeviceKind } from "../jobs/device-info.ts";
import type { EventPayload } from "../jobs/events.ts";
import { initialWeightsKey } from "../jobs/initial-weights.ts";
import { openObjectStore } from "../jobs/open-object-store.ts";
import { jobProblems } from "../jobs/problem.ts";
import { changeOf, specChange } from "../spec/change.ts";
import { createPlan, prepareJobData } from "../spec/create-plan.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import { stepsOf } from "../spec/model-costs.ts";
import { probePlan } from "../spec/probe-rows.ts";
import { type ComputePlaces, ComputeSlot } from "./compute-slots.ts";
import { measureDevices, type OpenDevice } from "./measure-devices.ts";
import { Outbox } from "./outbox.ts";
import { PredictionSample } from "./prediction-sample.ts";
import { problemOf } from "./problem-of.ts";
import {
  Control,
  type MeasureOrder,
  type NumberedWish,
  type TrainerMessage,
  type TrainerOrder,
  type TrainOrder,
} from "./trainer-messages.ts";

const port = parentPort;
if (!port) throw new Error("trainer-thread.ts runs as a worker thread; low-priority-thread.ts loads it.");
const threads = Number(workerData.engineThreads);
const places: ComputePlaces | null = workerData.places ?? null;
const slot = places && new ComputeSlot(places, Number(workerData.index));
const store = await openObjectStore(workerData.objects);
/** Kept from job to job. */
const datasets = new DatasetCache(new DatasetStore(store), Number(workerData.dataCacheMb) * 2 ** 20);

const outbox = new Outbox(port);

port.on("message", (order: TrainerOrder) => void (order.task === "train" ? train(order) : measure(order)));
// Before the first job, so that missing kernels end the start of the worker rather than a job.
const first = await createWasmBackend();
first.dispose();
tell({ type: "ready", mode: first.variant });

async function train(order: TrainOrder): Promise<void> {
  const control = new Control(order.control, order.device === "cpu" ? slot : null);
  try {
    tell(await trainToEnd(order, control));
  } catch (error) {
    if (error instanceof DeviceLostError || error instanceof UnavailableError) {
      tell({ type: "device_lost", detail: error.message });
      return;
    }
    const log = error instanceof Error ? error.stack : undefined;
    tell({ type: "failed", problem: problemOf(error), ...(log === undefined ? {} : { log }) });
  } finally {
    order.wishes.close();
  }
}

async function trainToEnd(order: TrainOrder, control: Control): Promise<TrainerMessage> {
  const spec = await loadBulk(order.spec, order.jobId, store);
  const prepared = await prepareJobData(spec, source(control));
  const { preprocess, classes } = prepared;
  const { train, validation } = prepared;
  const rows = { train: train.count, validation: validation?.count ?? 0, weighted: train.weights !== undefined };
  tell({ type: "prepared", preprocess: JSON.stringify({ preprocess, classes: classes ?? null, rows }) });
  if (control.shouldStop()) return { type: "done", outcome: "stopped" };

  const plan = {
    ...createPlan(spec, prepared, { ...order, trained: await trainedWeights(order) }),
    ...(spec.probes && { probes: probePlan(spec.probes, preprocess) }),
  };
  const checkpoint = order.checkpoint === null ? null : await store.read(order.checkpoint);
  const { backend, close } = await openDevice(order.device, spec, order.gpu);
  try {
    return control.compute(() => {
      const trainer = Trainer.create(plan, backend);
      try {
        if (checkpoint) trainer.restore(checkpoint);
        const run = new Run(trainer, control, spec, new PredictionSample(trainer, prepared));
        const outcome = trainer.run({
          onEvent: (event) => run.tell(event),
          shouldStop: () => {
            outbox.flushIfDue();
            return isHeld(order, trainer) || control.shouldStop();
          },
          wishes: () => wishesOf(order),
        });
        const message = run.end(outcome, trainer.restoresBest);
        // Whatever else was asked of it at the same time is in its state.
        const held = outcome.status === "stopped" && isHeld(order, trainer);
        return held ? { type: "done", outcome: "held" } : message;
      } finally {
        trainer.dispose();
      }
    });
  } finally {
    await close();
  }
}

/** Asked between two steps: also in the middle of an epoch, which is never the one to stop in. */
const isHeld = ({ hold }: TrainOrder, { position }: Trainer): boolean => hold !== null && position.epoch >= hold;

/** Data sets, each of whose blocks is a sign of life. */
function source(control: Control): DataSource {
  return {
    async *open(id, wanted) {
      for await (const block of datasets.open(id, wanted)) {
        control.beat();
        yield block;
      }
    },
  };
}

/** Both devices at the first steps of a job that has not begun. */
async function measure(order: MeasureOrder): Promise<void> {
  const control = new Control(order.control);
  try {
    const spec = await loadBulk(order.spec, order.jobId, store);
    const prepared = await prepareJobData(spec, source(control));
    const trained = await trainedWeights({ ...order, checkpoint: null });
    const open = (device: DeviceKind) => () => openDevice(device, spec, order.gpu);
    const measured = await measureDevices(
      createPlan(spec, prepared, { trained }),
      stepsOf(spec, prepared.train.count),
      { cpu: open("cpu"), gpu: open("gpu") },
      () => control.shouldStop(),
    );
    tell({ type: "measured", ...measured });
  } catch {
    // Whatever it is, it is told where it counts: when the job trains.
    tell({ type: "measured", device: "cpu", reason: "Nothing could be measured." });
  }
}

async function openDevice(device: DeviceKind, { numerics }: JobSpec, gpu: SharedArrayBuffer): Promise<OpenDevice> {
  const backend =
    device === "gpu" ? await createGpuBackend({ shared: gpu }) : await createWasmBackend({ numerics, threads });
  return { backend, close: () => backend.dispose() };
}

/** Of the job or the import that this one starts from; a checkpoint holds newer ones. */
async function trainedWeights({ jobId, spec, checkpoint }: Pick<TrainOrder, "jobId" | "spec" | "checkpoint">) {
  const { init } = spec.model;
  if (init === null || "weights" in init) return undefined;
  if (checkpoint !== null) return new Map();
  const stored = await store.read(initialWeightsKey(jobId));
  return "job_id" in init ? modelWeights(stored, init.checkpoint) : readWeightsFile(stored).weights;
}

/** Tells the worker how a training goes. */
class Run {
  private readonly trainer: Trainer;
  private readonly control: Control;
  private readonly spec: JobSpec;
  private readonly sample: PredictionSample;
  private lastStep = 0;
  private storedStep = -1;
  private bestSinceCheckpoint = false;

  constructor(trainer: Trainer, control: Control, spec: JobSpec, sample: PredictionSample) {
    this.trainer = trainer;
    this.control = control;
    this.spec = spec;
    this.sample = sample;
  }

  tell(event: TrainerEvent): void {
    if (event.type === "epoch") this.epoch(event);
    else if (event.type === "probe") this.probe(event);
    else if (event.type === "checkpoint") {
      if (this.sample.isAffordable) this.predictions();
      this.checkpoint(event.bytes, event.best, event.wish);
    } else {
      if (event.type === "steps") outbox.add({ ...event, at: Date.now() });
      else if (event.type === "anomaly") tell({ type: "anomaly", anomaly: anomalyOf(event) });
      else tell({ type: "change", number: event.number, wish: event.wish, changed: changedOf(event) });
      this.control.sent("event");
    }
  }

  private epoch({ type: _, ...figures }: EpochEvent): void {
    this.lastStep = figures.step;
    if (figures.best.epoch === figures.epoch) this.bestSinceCheckpoint = true;
    outbox.add({ type: "epoch", at: Date.now(), figures });
    this.control.sent("event");
  }

  private probe({ epoch, outputs, outputShape }: ProbeEvent): void {
    const { probes } = this.spec;
    const size = outputShape.reduce((a, b) => a * b, 1);
    const nested = nestNumbers(outputs, [outputs.length / size, ...outputShape], PROBE_DIGITS);
    const grid = probes && "grid" in probes && epoch === 0 && { grid: probes.grid };
    tell({ type: "probe", probe: { epoch, outputs: Array.isArray(nested) ? nested : [nested], ...grid } });
    this.control.sent("probe");
  }

  private predictions(): void {
    const predictions = this.sample.take(() => this.control.shouldStop());
    if (!predictions) return;
    tell({ type: "predictions", predictions });
    this.control.sent("checkpoint");
  }

  private checkpoint(bytes: Uint8Array<ArrayBuffer>, best: boolean, wish?: number): void {
    const { epoch, step } = this.trainer.position;
    this.storedStep = step;
    this.bestSinceCheckpoint = false;
    const message = { type: "checkpoint", epoch, step, best, bytes, ...(wish !== undefined && { wish }) } as const;
    outbox.flush();
    port?.postMessage(message satisfies TrainerMessage, [bytes.buffer]);
    this.control.sent("checkpoint");
  }

  end(outcome: TrainerOutcome, changesWeights: boolean): TrainerMessage {
    if (outcome.status === "diverged") {
      this.checkpoint(this.trainer.checkpoint(), this.bestSinceCheckpoint);
      return { type: "failed", problem: jobProblems.diverged(outcome.message) };
    }
    if (outcome.status === "completed") this.predictions();
    // The last checkpoint may be of this very step; but the best weights may have been put back since.
    const stored = outcome.status === "completed" && this.storedStep === this.lastStep && !changesWeights;
    if (!stored) this.checkpoint(this.trainer.checkpoint(), this.bestSinceCheckpoint);
    return { type: "done", outcome: outcome.status };
  }
}

/** All that have come; this thread hears of nothing else while it computes. */
function wishesOf({ wishes }: TrainOrder): Wish[] {
  const found: Wish[] = [];
  for (let next = receiveMessageOnPort(wishes); next; next = receiveMessageOnPort(wishes)) {
    const { number, wish }: NumberedWish = next.message;
    found.push({ number, change: changeOf(wish), checkpoint: wish.checkpoint === "now" });
  }
  return found;
}

function changedOf({ epoch, change, epochs, steps }: ChangeEvent): EventPayload<"changed"> {
  return { epoch, change: specChange(change), epochs, steps };
}

/** What a picture of the outputs can tell apart. */
const PROBE_DIGITS = 5;

/** More rows than these are not told one by one. */
const MOST_ROWS = 1000;

function anomalyOf(event: AnomalyEvent): EventPayload<"anomaly"> {
  const { epoch, step, loss, message, layer, rows, gradientNorm, action, back, lr } = event;
  const batch = { size: rows.length, rows: rows.slice(0, MOST_ROWS) };
  return { epoch, step, loss, detail: message, layer, batch, gradient: { norm: gradientNorm }, action, back, lr };
}

function tell(message: TrainerMessage): void {
  outbox.flush();
  port?.postMessage(message);
}
