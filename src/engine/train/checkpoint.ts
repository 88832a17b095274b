/**
 * A checkpoint is everything a run needs to go on with the same bits: weights, optimizer state, random streams, the place
 * in the epoch and its sums so far. It is one safetensors file; each kind of tensor has its prefix.
 */

import type { Weights } from "../nn/module.ts";
import { decodeMetadata, decodeSafetensors, decodeShapes, encodeSafetensors, type TensorData } from "../safetensors.ts";
import type { PlateauState } from "../schedulers/index.ts";
import type { Shape } from "../shape.ts";
import type { Best } from "./plan.ts";
import type { RateChange } from "./rates.ts";
import type { RestartState } from "./restart-point.ts";

/** Where a run stands. */
export interface Position {
  /** Whole epochs behind it. */
  readonly epoch: number;
  /** Updates behind it. */
  readonly step: number;
  /** Samples of the current epoch behind it. */
  readonly cursor: number;
  readonly elapsedMs: number;
  /** State of ReduceLROnPlateau; null for schedules that follow from the step alone. */
  readonly plateau: PlateauState | null;
  readonly best: Best | null;
  /** Epochs since the monitored value got better. */
  readonly badEpochs: number;
  /** How the base rate was changed during the run. */
  readonly rates: readonly RateChange[];
  /** How many changes of the plan, and of those that were wished for, have taken effect. */
  readonly changes: number;
  /** How often the run has gone back because of a loss that was not finite. */
  readonly rollbacks: number;
  /** The step of the restart point, if there is one. */
  readonly restartStep?: number;
}

export interface RunState {
  readonly position: Position;
  readonly model: ReadonlyMap<string, Weights>;
  readonly best: ReadonlyMap<string, Weights> | null;
  readonly optimizer: ReadonlyMap<string, Float32Array | Float64Array | Int32Array>;
  /** int32 states of the random streams, as they were at the start of the epoch for `shuffle`. */
  readonly streams: ReadonlyMap<string, Int32Array>;
  readonly tally: Float64Array;
  /** The start of the epoch, where a run in the middle of one may have to go back to it. */
  readonly restart: RestartState | null;
}

const FORMAT = "epochd-checkpoint-1";

/** `about`: what goes with it for its readers, see {@link checkpointAbout}. */
export function encodeCheckpoint(state: RunState, about?: string): Uint8Array<ArrayBuffer> {
  const tensors = new Map<string, TensorData>();
  for (const [name, weights] of state.model) tensors.set(`model.${name}`, weights);
  for (const [name, weights] of state.best ?? []) tensors.set(`best.${name}`, weights);
  for (const [name, data] of state.optimizer) tensors.set(`optimizer.${name}`, { shape: [data.length], data });
  for (const [name, data] of state.streams) tensors.set(`stream.${name}`, { shape: [data.length], data });
  const { restart } = state;
  for (const [name, weights] of restart?.model ?? []) tensors.set(`restart.model.${name}`, weights);
  for (const [name, data] of restart?.optimizer ?? []) {
    tensors.set(`restart.optimizer.${name}`, { shape: [data.length], data });
  }
  for (const [name, data] of restart?.streams ?? [])
    tensors.set(`restart.stream.${name}`, { shape: [data.length], data });
  tensors.set("tally", { shape: [state.tally.length], data: state.tally });
  return encodeSafetensors(tensors, {
    format: FORMAT,
    position: JSON.stringify({ ...state.position, ...(restart && { restartStep: restart.step }) }),
    ...(about !== undefined && { about }),
  });
}

export function decodeCheckpoint(bytes: Uint8Array): RunState {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata["format"] !== FORMAT)
    throw new Error(
      `This file is no checkpoint of a training run: its format is ${metadata["format"] ?? "not given"}, not ${FORMAT}.`,
    );
  const part = <T extends TensorData>(prefix: string, is: (tensor: TensorData) => tensor is T): Map<string, T> =>
    new Map(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(prefix) && is(tensor) ? [[name.slice(prefix.length), tensor] as const] : [],
      ),
    );
  const any = (tensor: TensorData): tensor is TensorData => tensor !== null;
  const best = part("best.", isFloat32);
  const tally = tensors.get("tally")?.data;
  const position: Position = { rates: [], changes: 0, rollbacks: 0, ...JSON.parse(metadata["position"] ?? "{}") };
  const dataOf = (prefix: string) => new Map(Array.from(part(prefix, any), ([name, { data }]) => [name, data]));
  const streamsOf = (prefix: string) => new Map(Array.from(part(prefix, isInt32), ([name, { data }]) => [name, data]));
  return {
    position,
    model: part("model.", isFloat32),
    best: best.size > 0 ? best : null,
    optimizer: dataOf("optimizer."),
    streams: streamsOf("stream."),
    tally: tally instanceof Float64Array ? tally : new Float64Array(0),
    restart:
      position.restartStep === undefined
        ? null
        : {
            step: position.restartStep,
            model: part("restart.model.", isFloat32),
            optimizer: dataOf("restart.optimizer."),
            streams: streamsOf("restart.stream."),
          },
  };
}

/** The `state_dict` inside a checkpoint: the weights as they are now, or the best so far (now, if there are no others). */
export function modelWeights(checkpoint: Uint8Array, which: "last" | "best" = "last"): Map<string, Weights> {
  const { model, best } = decodeCheckpoint(checkpoint);
  return new Map(which === "best" && best ? best : model);
}

/** Names and shapes of {@link modelWeights}, from the header of a checkpoint's file. */
export function checkpointShapes(header: Uint8Array, which: "last" | "best"): Map<string, Shape> {
  const all = [...decodeShapes(header)];
  const part = (prefix: string) =>
    all.flatMap(([name, shape]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), shape] as const] : []));
  const best = which === "best" ? part("best.") : [];
  return new Map(best.length > 0 ? best : part("model."));
}

/** What the plan of its run had to say about the model, from the header of a checkpoint's file; undefined if nothing. */
export function checkpointAbout(header: Uint8Array): string | undefined {
  return decodeMetadata(header)["about"];
}

const isFloat32 = (tensor: TensorData): tensor is TensorData<Float32Array> => tensor.data instanceof Float32Array;
const isInt32 = (tensor: TensorData): tensor is TensorData<Int32Array> => tensor.data instanceof Int32Array;
