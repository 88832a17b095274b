/** RNN, LSTM and GRU over a sequence: one op for one layer in one direction. */
import { grad, isGradEnabled } from "../autograd.ts";
import { Tensor } from "../tensor.ts";
import { add, mul, relu, sigmoid, sub, tanh } from "./elementwise.ts";
import { concat, reshape, slice } from "./movement.ts";
import { empty, record } from "./op.ts";
import { linear, matmul } from "./product.ts";
import { sum } from "./reduce.ts";

export type RecurrentKind = "tanh" | "relu" | "lstm" | "gru";

const KINDS: Readonly<Record<RecurrentKind, number>> = { tanh: 0, relu: 1, lstm: 2, gru: 3 };
const GATES: Readonly<Record<RecurrentKind, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 };

const REVERSE = 1;
const BIAS = 2;
const PROJECTED = 4;

export interface RecurrentInputs {
  /** The input's part of the gates, [steps, batch, gates·hidden]; LSTM's gates are i, f, g, o, GRU's r, z, n. */
  readonly gates: Tensor;
  /** weight_hh, [gates·hidden, features] */
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  /** The state before the first step, [batch, features]. */
  readonly h0: Tensor;
  /** LSTM's cell before the first step, [batch, hidden]. */
  readonly c0: Tensor | null;
  /** LSTM's weight_hr, [features, hidden]. */
  readonly projection: Tensor | null;
}

export interface RecurrentResult {
  /** The state after each step, [steps, batch, features], in the input's order. */
  readonly states: Tensor;
  /** LSTM's cell after the last step, [batch, hidden]. */
  readonly cell: Tensor | null;
}

export function recurrent(kind: RecurrentKind, inputs: RecurrentInputs, reverse = false): RecurrentResult {
  const layer = new RecurrentLayer(kind, inputs, reverse);
  const [steps, batch, features] = [layer.steps, layer.batch, layer.features];
  const shape = [steps, batch, features];
  if (kind !== "lstm") return { states: layer.run(), cell: null };
  // One op has one result, so the cell comes behind the states.
  const whole = layer.run();
  const count = steps * batch * features;
  return {
    states: reshape(slice(whole, 0, 0, count), shape),
    cell: reshape(slice(whole, 0, count, whole.size), [batch, layer.hidden]),
  };
}

class RecurrentLayer {
  readonly steps: number;
  readonly batch: number;
  readonly hidden: number;
  readonly features: number;
  readonly #kind: RecurrentKind;
  readonly #inputs: RecurrentInputs;
  readonly #reverse: boolean;

  constructor(kind: RecurrentKind, inputs: RecurrentInputs, reverse: boolean) {
    const [steps = 0, batch = 0, width = 0] = inputs.gates.shape;
    this.steps = steps;
    this.batch = batch;
    this.hidden = width / GATES[kind];
    this.features = inputs.h0.shape[1] ?? 0;
    this.#kind = kind;
    this.#inputs = inputs;
    this.#reverse = reverse;
  }

  get #params(): number[] {
    const { bias, projection } = this.#inputs;
    const flags = (this.#reverse ? REVERSE : 0) | (bias ? BIAS : 0) | (projection ? PROJECTED : 0);
    return [KINDS[this.#kind], this.steps, this.batch, this.hidden, this.features, flags];
  }

  /** The states; of an LSTM, the states and the last cell in one flat tensor. */
  run(): Tensor {
    const { gates, weight, bias, h0, c0, projection } = this.#inputs;
    const { device } = gates;
    const { steps, batch, hidden, features } = this;
    const rows = steps * batch;
    const isLstm = this.#kind === "lstm";
    const kept = isLstm || this.#kind === "gru" ? 4 * hidden : 0;
    const states = empty(device, [steps, batch, features]);
    const made: Made = {
      states,
      gates: empty(device, [rows, kept]),
      cells: empty(device, [isLstm ? rows : 0, hidden]),
      raw: empty(device, [projection ? rows : 0, hidden]),
    };
    const written = [states, made.gates, made.cells, made.raw];
    const read = [gates, weight, bias ?? weight, h0, c0 ?? h0, projection ?? weight];
    device.run("recurrent", [...written, ...read].map(bufferOf), this.#params);

    let result = states;
    if (isLstm) {
      const last = this.#reverse ? 0 : steps - 1;
      const cell = slice(made.cells, 0, last * batch, (last + 1) * batch);
      result = concat([reshape(states, [states.size]), reshape(cell, [cell.size])], 0);
    }
    const inputs = this.#tensors;
    return record("recurrent", result, inputs, (g) =>
      isGradEnabled() ? this.#gradientsOfSteps(g) : this.#gradients(g, made),
    );
  }

  /** What has a gradient. The gates come last: their gradient is made of what the others still need. */
  get #tensors(): Tensor[] {
    const { gates, weight, bias, h0, c0, projection } = this.#inputs;
    return [weight, ...(bias ? [bias] : []), h0, ...(c0 ? [c0] : []), ...(projection ? [projection] : []), gates];
  }

  #gradients(g: Tensor, made: Made): (() => Tensor)[] {
    const { gates, weight, bias, h0, c0, projection } = this.#inputs;
    const { steps, batch, hidden, features } = this;
    const { device } = gates;
    const rows = steps * batch;
    const isLstm = this.#kind === "lstm";
    const count = rows * features;
    const gStates = isLstm ? slice(g, 0, 0, count) : g;
    const gCell = isLstm ? slice(g, 0, count, g.size) : g;
    const dGates = empty(device, gates.shape);
    const dState = this.#kind === "gru" ? empty(device, gates.shape) : dGates;
    const dRaw = empty(device, [projection ? rows : 0, features]);
    const dh0 = empty(device, [batch, features]);
    const dc0 = empty(device, [batch, hidden]);
    const unused = this.#kind === "gru" ? dState : empty(device, [0]);
    const written = [dGates, unused, dRaw, dh0, dc0];
    const read = [gStates, gCell, made.states, made.gates, made.cells, weight, h0, c0 ?? h0, projection ?? weight];
    device.run("recurrentBackward", [...written, ...read].map(bufferOf), this.#params);

    const flat = reshape(dState, [rows, dState.size / rows]);
    return [
      () => matmul(flat, reshape(this.#statesBefore(made.states), [rows, features]), true, false),
      ...(bias ? [() => sum(flat, 0)] : []),
      () => dh0,
      ...(c0 ? [() => dc0] : []),
      ...(projection ? [() => matmul(dRaw, made.raw, true, false)] : []),
      () => dGates,
    ];
  }

  /** The state that each step started from. */
  #statesBefore(states: Tensor): Tensor {
    const first = reshape(this.#inputs.h0, [1, this.batch, this.features]);
    if (this.#reverse) return concat([slice(states, 0, 1, this.steps), first], 0);
    return concat([first, slice(states, 0, 0, this.steps - 1)], 0);
  }

  /** For gradients that are differentiated again: through the same computation written in other ops, step by step. */
  #gradientsOfSteps(g: Tensor): (() => Tensor)[] {
    const inputs = this.#tensors;
    const stand = inputs.map((input) => new Tensor(input.storage, input.shape, input.dtype, true));
    const found = grad(this.#steps(stand), stand, g, { createGraph: true });
    // From now on a stand-in leads on to the input in whose place it was differentiated.
    stand.forEach((tensor, i) => {
      const input = inputs[i];
      if (input?.requiresGrad) tensor.node = { op: "recurrent", inputs: [input], gradients: (h) => [() => h] };
    });
    return found.map((gradient, i) => () => gradient ?? mul(stand[i] ?? g, 0));
  }

  #steps(tensors: readonly Tensor[]): Tensor {
    const { bias, c0, projection } = this.#inputs;
    const left = [...tensors];
    const take = (): Tensor => {
      const next = left.shift();
      if (!next) throw new Error("recurrent: an input is missing");
      return next;
    };
    const weight = take();
    const biasNow = bias && take();
    let h = take();
    let c = c0 && take();
    const projectionNow = projection && take();
    const gates = take();
    const states: Tensor[] = [];
    for (let i = 0; i < this.steps; i++) {
      const t = this.#reverse ? this.steps - 1 - i : i;
      const input = reshape(slice(gates, 0, t, t + 1), [this.batch, GATES[this.#kind] * this.hidden]);
      const next = this.#cell(input, linear(h, weight, biasNow), h, c);
      c = next.c;
      h = projectionNow ? matmul(next.h, projectionNow, false, true) : next.h;
      states[t] = reshape(h, [1, this.batch, this.features]);
    }
    const all = concat(states, 0);
    return c ? concat([reshape(all, [all.size]), reshape(c, [c.size])], 0) : all;
  }

  /** One step in PyTorch's formulas. */
  #cell(input: Tensor, state: Tensor, h: Tensor, c: Tensor | null): { h: Tensor; c: Tensor | null } {
    const part = (x: Tensor, k: number): Tensor => slice(x, 1, k * this.hidden, (k + 1) * this.hidden);
    if (this.#kind === "gru") {
      const r = sigmoid(add(part(input, 0), part(state, 0)));
      const z = sigmoid(add(part(input, 1), part(state, 1)));
      const n = tanh(add(part(input, 2), mul(r, part(state, 2))));
      return { h: add(mul(sub(1, z), n), mul(z, h)), c: null };
    }
    const both = add(input, state);
    if (this.#kind !== "lstm" || !c) return { h: this.#kind === "relu" ? relu(both) : tanh(both), c: null };
    const [i, f, o] = [sigmoid(part(both, 0)), sigmoid(part(both, 1)), sigmoid(part(both, 3))];
    const next = add(mul(f, c), mul(i, tanh(part(both, 2))));
    return { h: mul(o, tanh(next)), c: next };
  }
}

/** What the forward pass leaves for the backward pass. */
interface Made {
  readonly states: Tensor;
  readonly gates: Tensor;
  readonly cells: Tensor;
  readonly raw: Tensor;
}

const bufferOf = (tensor: Tensor) => tensor.storage.buffer;
