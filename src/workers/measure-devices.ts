/** Which device trains a job faster: some steps on each, of which nothing is kept. */
import { type Backend, Trainer, type TrainingPlan } from "../engine/index.ts";
import type { DeviceKind } from "../jobs/device-info.ts";

export interface Measured {
  readonly device: DeviceKind;
  readonly reason: string;
}

/** A backend to measure on; `close` frees it. */
export interface OpenDevice {
  readonly backend: Backend;
  close(): void | Promise<void>;
}

/** What the cpu trains in so little time is not worth opening a GPU for. */
const WORTH_SECONDS = 1;
/** Before it counts: programs are compiled, and the number of steps at once grows to what the device can take. */
const WARM_UP = { rounds: 4, ms: 200 };
const MEASURED_MS = 250;
/** For one device, compiling included. */
const MOST_MS = 10_000;

/** `steps`: of the whole job. A GPU that fails is not taken; `shouldStop` cuts it short. */
export async function measureDevices(
  plan: TrainingPlan,
  steps: number,
  open: Readonly<Record<DeviceKind, () => Promise<OpenDevice>>>,
  shouldStop: () => boolean,
): Promise<Measured> {
  const cpu = await measureOn(open.cpu, plan, shouldStop);
  if (cpu * steps < WORTH_SECONDS) {
    return { device: "cpu", reason: `It trains all of the job in about ${seconds(cpu * steps)}.` };
  }
  let gpu: number;
  try {
    gpu = await measureOn(open.gpu, plan, shouldStop);
  } catch (error) {
    return {
      device: "cpu",
      reason: `The GPU failed at the first steps: ${error instanceof Error ? error.message : error}`,
    };
  }
  return {
    device: gpu < cpu ? "gpu" : "cpu",
    reason: `Measured at the first steps: ${seconds(cpu)} each on the cpu, ${seconds(gpu)} on the GPU.`,
  };
}

async function measureOn(
  open: () => Promise<OpenDevice>,
  plan: TrainingPlan,
  shouldStop: () => boolean,
): Promise<number> {
  const device = await open();
  try {
    return secondsPerStep(plan, device.backend, shouldStop);
  } finally {
    await device.close();
  }
}

/** Infinite for a device that has not done a step in all of the time. */
function secondsPerStep(plan: TrainingPlan, backend: Backend, shouldStop: () => boolean): number {
  // Evaluation, checkpoints and what is told cost the same wherever it trains, or nearly so.
  const { validation: _v, earlyStopping: _e, tellSteps: _t, ...training } = plan;
  const trainer = Trainer.create({ ...training, changes: [], checkpoint: {} }, backend);
  const opened = performance.now();
  const marks: { step: number; at: number }[] = [];
  let rounds = 0;
  const mark = (): void => {
    marks.push({ step: trainer.position.step, at: performance.now() });
  };
  try {
    trainer.run({
      onEvent: () => {},
      shouldStop: () => {
        const now = performance.now();
        const warm = rounds++ >= WARM_UP.rounds && now - opened >= WARM_UP.ms;
        const [first] = marks;
        if (!first && warm) mark();
        return shouldStop() || now - opened >= MOST_MS || (first !== undefined && now - first.at >= MEASURED_MS);
      },
    });
    mark();
  } finally {
    trainer.dispose();
  }
  const last = marks.at(-1);
  // One that ended before it was warm is judged by all that it did.
  const first = marks.length > 1 && marks[0] ? marks[0] : { step: 0, at: opened };
  return last && last.step > first.step
    ? (last.at - first.at) / 1000 / (last.step - first.step)
    : Number.POSITIVE_INFINITY;
}

function seconds(value: number): string {
  if (!Number.isFinite(value)) return `more than ${MOST_MS / 1000} s`;
  if (value >= 1) return `${value.toPrecision(3)} s`;
  return value >= 1e-3 ? `${(value * 1e3).toPrecision(3)} ms` : `${(value * 1e6).toPrecision(3)} µs`;
}
