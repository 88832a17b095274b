/** Where a run can go back to: everything that its steps change, as it was before one of them. */
import type { Module, Weights } from "../nn/module.ts";
import type { Optimizer } from "../optim/index.ts";
import type { RandomStream } from "../random.ts";
import { Snapshot } from "./snapshot.ts";

/** Beside weights and state. */
export interface Standing {
  readonly step: number;
  readonly cursor: number;
  /** Null at the start of an epoch, when nothing has been added up. */
  readonly tally: Float64Array | null;
}

/** A restart point as a checkpoint keeps it. */
export interface RestartState {
  readonly step: number;
  readonly model: ReadonlyMap<string, Weights>;
  readonly optimizer: ReadonlyMap<string, Float32Array | Float64Array | Int32Array>;
  readonly streams: ReadonlyMap<string, Int32Array>;
}

export class RestartPoint {
  readonly #optimizer: Optimizer;
  readonly #weights: Snapshot;
  readonly #moments: Snapshot;
  #scalars: readonly Float64Array[] = [];
  readonly #streams: ReadonlyMap<string, RandomStream>;
  #streamStates: ReadonlyMap<string, Int32Array> = new Map();
  #standing: Standing = { step: 0, cursor: 0, tally: null };

  constructor(model: Module, optimizer: Optimizer) {
    this.#optimizer = optimizer;
    this.#weights = new Snapshot(model.namedState());
    this.#moments = new Snapshot(optimizer.namedTensors());
    this.#streams = new Map(model.namedStreams());
  }

  get standing(): Standing {
    return this.#standing;
  }

  take(standing: Standing): void {
    this.#standing = standing;
    this.#weights.take();
    this.#moments.take();
    this.#scalars = this.#optimizer.scalars;
    this.#streamStates = streamStates(this.#streams);
  }

  putBack(): Standing {
    this.#weights.putBack();
    this.#moments.putBack();
    this.#optimizer.scalars = this.#scalars;
    loadStreams(this.#streams, this.#streamStates);
    return this.#standing;
  }

  get state(): RestartState {
    const moments = Array.from(this.#moments.weights(), ([name, { data }]) => [name, data] as const);
    const numbers = this.#optimizer.nameScalars(this.#scalars);
    return {
      step: this.#standing.step,
      model: this.#weights.weights(),
      optimizer: new Map<string, Float32Array | Float64Array>([...moments, ...numbers]),
      streams: this.#streamStates,
    };
  }

  /** The state of a checkpoint, which always is that of the start of an epoch; the model is left alone. */
  load({ step, model, optimizer, streams }: RestartState): void {
    this.#standing = { step, cursor: 0, tally: null };
    this.#weights.load(model);
    this.#moments.load(
      new Map(
        Array.from(optimizer).flatMap(([name, data]) =>
          data instanceof Float32Array ? [[name, { data }] as const] : [],
        ),
      ),
    );
    this.#scalars = this.#optimizer.scalarsOf(optimizer);
    this.#streamStates = streams;
  }
}

/** Of dropout and the like, by the names of their modules. */
export function streamStates(streams: Iterable<[string, RandomStream]>): Map<string, Int32Array> {
  return new Map(Array.from(streams, ([name, stream]) => [name, stream.state]));
}

export function loadStreams(streams: Iterable<[string, RandomStream]>, states: ReadonlyMap<string, Int32Array>): void {
  for (const [name, stream] of streams) {
    const state = states.get(name);
    if (state) stream.state = state;
  }
}
