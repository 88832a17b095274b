/** The thread that trains: one order after the other, each on a device opened for it alone, deaf to messages while it computes. */
import { parentPort, workerData } from "node:worker_threads";
import type { DataSource } from "../data/index.ts";
import {
  createGpuBackend,
  createWasmBackend,
  DeviceLostError,
  modelWeights,
  UnavailableError,
} from "../engine/index.ts";
import { readWeightsFile } from "../interchange/read-weights-file.ts";
import { loadBulk } from "../jobs/bulk.ts";
import { DatasetCache } from "../jobs/dataset-cache.ts";
import { DatasetStore } from "../jobs/dataset-store.ts";
import type { DeviceKind } from "../jobs/device-info.ts";
import { initialWeightsKey } from "../jobs/initial-weights.ts";
import { openObjectStore } from "../jobs/open-object-store.ts";
import { createPlan, prepareJobData } from "../spec/create-plan.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import { stepsOf } from "../spec/model-costs.ts";
import { probePlan } from "../spec/probe-rows.ts";
import { type ComputePlaces, ComputeSlot } from "./compute-slots.ts";
import { JobTraining, type ReadyJob } from "./job-training.ts";
import { measureDevices, type OpenDevice } from "./measure-devices.ts";
import { Outbox, Teller } from "./outbox.ts";
import { type PrepareData, prepareOnce } from "./prepare-once.ts";
import { problemOf } from "./problem-of.ts";
import {
  Control,
  type MeasureOrder,
  type TrainerMessage,
  type TrainerOrder,
  type TrainOrder,
} from "./trainer-messages.ts";
import { WarmBackend } from "./warm-backend.ts";

const port = parentPort;
if (!port) throw new Error("trainer-thread.ts runs as a worker thread; low-priority-thread.ts loads it.");
const warm = new WarmBackend(Number(workerData.engineThreads));
const places: ComputePlaces | null = workerData.places ?? null;
const slot = places && new ComputeSlot(places, Number(workerData.index));
const store = await openObjectStore(workerData.objects);
/** Kept from job to job. */
const datasets = new DatasetCache(new DatasetStore(store), Number(workerData.dataCacheMb) * 2 ** 20);

const outbox = new Outbox(port);

port.on("message", (order: TrainerOrder) => {
  if (order.task === "measure") void measure(order);
  else void train(order.task === "batch" ? order.orders : [order]);
});
// Before the first job, so that missing kernels end the start of the worker rather than a job.
const first = await createWasmBackend();
first.dispose();
outbox.send({ type: "ready", mode: first.variant });

const TURN_MS = 4;

/** The last word about a job. */
type End = (job: Pick<ReadyJob, "order" | "control" | "teller">, message: TrainerMessage) => void;

/** Jobs that take turns. What befalls one of them is told of that one alone. */
async function train(orders: readonly TrainOrder[]): Promise<void> {
  const last: (() => void)[] = [];
  const end: End = ({ order, control, teller }, message) => {
    order.wishes.close();
    control.end();
    // Who trains alone has the device alone, until it is closed.
    if (orders.length > 1) teller.tell(message);
    else last.push(() => teller.tell(message));
  };
  const devices = new Map<string, OpenDevice>();
  outbox.jobs = orders.length;
  try {
    const ready = await makeAllReady(orders, devices, end);
    ready[0]?.control.compute(() => takeTurns(ready, end));
  } finally {
    for (const { close } of devices.values()) await close();
    for (const tell of last) tell();
  }
}

async function makeAllReady(
  orders: readonly TrainOrder[],
  devices: Map<string, OpenDevice>,
  end: End,
): Promise<ReadyJob[]> {
  const ready: ReadyJob[] = [];
  const prepare = prepareOnce(store);
  const jobs = orders.map((order, of) => {
    const control = new Control(order.control, order.device === "cpu" ? slot : null);
    return { order, control, teller: new Teller(outbox, of) };
  });
  for (const job of jobs) {
    job.control.companions = jobs.map(({ control }) => control);
    try {
      const made = await makeReady(job, prepare, devices);
      if (made) ready.push(made);
      else end(job, { type: "done", outcome: "stopped" });
    } catch (error) {
      end(job, failureOf(error));
    }
  }
  return ready;
}

/** One that has not come to its end. */
interface OpenJob {
  readonly job: ReadyJob;
  /** Made when its first turn comes. */
  training: JobTraining | null;
}

function takeTurns(jobs: readonly ReadyJob[], end: End): void {
  const open: OpenJob[] = jobs.map((job) => ({ job, training: null }));
  while (open.length > 0) {
    // Whoever is to stop can't wait: the thread of one that does not hear of it is ended, and the others with it.
    const isToStop = open.findIndex(({ job }) => job.control.isToStop);
    for (const next of open.splice(Math.max(0, isToStop), 1)) if (takeTurn(next, end)) open.push(next);
  }
}

/** Whether it goes on. */
function takeTurn(open: OpenJob, end: End): boolean {
  const { job } = open;
  const last = orEnd(job, end, () => {
    open.training ??= new JobTraining(job);
    return turn(open.training) ?? "goes on";
  });
  if (last === "goes on") return true;
  open.training?.dispose();
  if (last) end(job, last);
  return false;
}

/** Longer where others wait: a model's weights are to be read into the caches for more than a few steps. */
function turn(training: JobTraining): TrainerMessage | null {
  const until = performance.now() + TURN_MS;
  for (;;) {
    const last = training.turn();
    if (last || performance.now() >= until) return last;
  }
}

/** Null if it fails, which has been told then. */
function orEnd<T>(job: ReadyJob, end: End, work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    end(job, failureOf(error));
    return null;
  }
}

function failureOf(error: unknown): TrainerMessage {
  if (error instanceof DeviceLostError || error instanceof UnavailableError) {
    return { type: "device_lost", detail: error.message };
  }
  const log = error instanceof Error ? error.stack : undefined;
  return { type: "failed", problem: problemOf(error), ...(log === undefined ? {} : { log }) };
}

/** Null if it was told to stop meanwhile. */
async function makeReady(
  { order, control, teller }: Pick<ReadyJob, "order" | "control" | "teller">,
  prepare: PrepareData,
  devices: Map<string, OpenDevice>,
): Promise<ReadyJob | null> {
  const { spec, prepared, about } = await prepare(order, source(control));
  teller.tell({ type: "prepared" });
  if (control.shouldStop()) return null;
  const plan = {
    ...createPlan(spec, prepared, { ...order, trained: await trainedWeights(order) }),
    about,
    ...(spec.probes && { probes: probePlan(spec.probes, prepared.preprocess) }),
  };
  const checkpoint = order.checkpoint === null ? null : await store.read(order.checkpoint);
  const kind = `${order.device} ${spec.numerics}`;
  const device = devices.get(kind) ?? (await openDevice(order.device, spec, order.gpu));
  devices.set(kind, device);
  return { order, control, spec, prepared, plan, checkpoint, backend: device.backend, teller };
}

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
    outbox.send({ type: "measured", ...measured });
  } catch {
    // Whatever it is, it is told where it counts: when the job trains.
    outbox.send({ type: "measured", device: "cpu", reason: "Nothing could be measured." });
  }
}

async function openDevice(device: DeviceKind, { numerics }: JobSpec, gpu: SharedArrayBuffer): Promise<OpenDevice> {
  if (device === "gpu") {
    const backend = await createGpuBackend({ shared: gpu });
    return { backend, close: () => backend.dispose() };
  }
  const backend = await warm.take(numerics);
  return { backend, close: () => warm.giveBack(backend, numerics) };
}

/** Of the job or the import that this one starts from; a checkpoint holds newer ones. */
async function trainedWeights({ jobId, spec, checkpoint }: Pick<TrainOrder, "jobId" | "spec" | "checkpoint">) {
  const { init } = spec.model;
  if (init === null || "weights" in init) return undefined;
  if (checkpoint !== null) return new Map();
  const stored = await store.read(initialWeightsKey(jobId));
  return "job_id" in init ? modelWeights(stored, init.checkpoint) : readWeightsFile(stored).weights;
}
