/** How a run goes on from a checkpoint, written out for another framework: order of the samples, rates, optimizer. */
import type { Backend } from "../backend.ts";
import { Device, withDevice } from "../device.ts";
import { buildModel } from "../nn/build.ts";
import { RandomStream } from "../random.ts";
import type { TensorData } from "../safetensors.ts";
import { assembleOptimizer } from "./assemble.ts";
import { decodeCheckpoint } from "./checkpoint.ts";
import { samplesPerEpoch, stepsPerEpoch } from "./epoch-size.ts";
import type { TrainingPlan } from "./plan.ts";

/** What of a plan decides how it goes on. */
export type ContinuedPlan = Pick<
  TrainingPlan<{ readonly count: number }>,
  | "layers"
  | "optimizer"
  | "scheduler"
  | "train"
  | "epochs"
  | "batchSize"
  | "shuffle"
  | "dropLast"
  | "seed"
  | "accumulateSteps"
>;

export interface Continuation {
  /** Whole epochs and updates behind it. */
  readonly epoch: number;
  readonly step: number;
  /** The samples of the epoch at hand that are still to come, as places among the training samples. */
  readonly order: Int32Array<ArrayBuffer>;
  /** Of each step from here on, to the planned end, and of the epoch at hand at least. */
  readonly lr: Float64Array;
  /** Where a schedule moves it. */
  readonly momentum: Float64Array | null;
  /** Adam's `exp_avg` of the weight `0.weight` is `0.weight.exp_avg`; numbers such as `step` have the shape []. */
  readonly optimizer: ReadonlyMap<string, TensorData>;
}

/** So many rates are written out. */
const MOST_RATES = 1_000_000;

/** `backend`: one that nothing else uses meanwhile. */
export function continuationOf(checkpoint: Uint8Array, plan: ContinuedPlan, backend: Backend): Continuation {
  const device = new Device(backend);
  try {
    return withDevice(device, () => continued(checkpoint, plan, device));
  } finally {
    device.dispose();
  }
}

function continued(checkpoint: Uint8Array, plan: ContinuedPlan, device: Device): Continuation {
  const { position, streams, optimizer: saved } = decodeCheckpoint(checkpoint);
  const model = buildModel(plan.layers);
  const { optimizer, rates } = assembleOptimizer(plan, device, model);
  rates.restore(position.plateau, position.rates, position.step);
  const names = Array.from(model.namedParameters(), ([name]) => name);
  const shapes = new Map(Array.from(optimizer.namedTensors(), ([name, { shape }]) => [name, shape]));
  const state = Array.from(saved, ([name, data]): [string, TensorData] => {
    const [index = "", part = ""] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
    return [`${names[Number(index)]}.${part}`, { shape: shapes.get(name) ?? [], data }];
  });
  const perEpoch = stepsPerEpoch(plan);
  const order = orderOf(plan, streams.get("shuffle"), device);
  const done = Math.floor(position.cursor / (plan.batchSize * plan.accumulateSteps));
  const planned = Math.max(1, plan.epochs - position.epoch) * perEpoch - done;
  const steps = Math.min(planned, Math.max(MOST_RATES, perEpoch));
  const all = Array.from({ length: steps }, (_, i) => rates.at(position.step + i));
  const moves = all.some(({ momentum }) => momentum !== undefined);
  return {
    epoch: position.epoch,
    step: position.step,
    order: order.slice(position.cursor, samplesPerEpoch(plan)),
    lr: Float64Array.from(all, ({ lr }) => lr),
    momentum: moves ? Float64Array.from(all, ({ momentum }) => momentum ?? 0) : null,
    optimizer: new Map(state),
  };
}

function orderOf(
  { train: { count }, shuffle, seed }: ContinuedPlan,
  state: Int32Array | undefined,
  device: Device,
): Int32Array<ArrayBuffer> {
  if (!shuffle) return Int32Array.from({ length: count }, (_, i) => i);
  const stream = new RandomStream(seed, "shuffle", device);
  if (state) stream.state = state;
  const order = device.allocatePersistent(count * 4);
  stream.permute(order, count);
  return device.backend.read(order.buffer, new Int32Array(count));
}
