/** RNN, LSTM and GRU: layers upon layers, in one direction or both. */
import { concat, linear, mul, permute, type RecurrentKind, recurrent, reshape, slice } from "../ops/index.ts";
import { nextStream, type RandomStream, uniformWithin } from "../random.ts";
import { ShapeError, showShape } from "../shape.ts";
import { type Tensor, zeros } from "../tensor.ts";
import { Module } from "./module.ts";
import { Parameter, type ParameterSpec } from "./parameter.ts";

/** PyTorch's arguments after input_size and hidden_size. */
export interface RecurrentOptions {
  readonly numLayers?: number;
  readonly bias?: boolean;
  /** Inputs are (N, L, features) rather than (L, N, features). */
  readonly batchFirst?: boolean;
  /** Probability with which outputs of each layer but the last are dropped in training. */
  readonly dropout?: number;
  readonly bidirectional?: boolean;
}

export interface RecurrentOutput {
  /** The last layer's state after each step, both directions joined, in the input's layout. */
  readonly output: Tensor;
  /** The last state of each layer and direction, (layers·directions, N, features). */
  readonly h: Tensor;
  /** LSTM's last cells, (layers·directions, N, hidden). */
  readonly c: Tensor | null;
}

/** What distinguishes the three, and LSTM's projection. */
interface Form extends RecurrentOptions {
  readonly kind: RecurrentKind;
  readonly projSize?: number;
}

const GATES: Readonly<Record<RecurrentKind, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 };

/** The weights by `state_dict` name, all U(±1/√hidden). */
export function recurrentSpecs(
  inputSize: number,
  hiddenSize: number,
  { kind, numLayers = 1, bias = true, bidirectional = false, projSize = 0 }: Form,
): Record<string, ParameterSpec> {
  const init = uniformWithin(1 / Math.sqrt(hiddenSize));
  const width = GATES[kind] * hiddenSize;
  const features = projSize || hiddenSize;
  const specs: Record<string, ParameterSpec> = {};
  for (let layer = 0; layer < numLayers; layer++) {
    for (const direction of bidirectional ? ["", "_reverse"] : [""]) {
      const end = `l${layer}${direction}`;
      const inputs = layer === 0 ? inputSize : features * (bidirectional ? 2 : 1);
      specs[`weight_ih_${end}`] = { shape: [width, inputs], init };
      specs[`weight_hh_${end}`] = { shape: [width, features], init };
      if (bias) specs[`bias_ih_${end}`] = { shape: [width], init };
      if (bias) specs[`bias_hh_${end}`] = { shape: [width], init };
      if (projSize > 0) specs[`weight_hr_${end}`] = { shape: [projSize, hiddenSize], init };
    }
  }
  return specs;
}

abstract class Recurrent extends Module {
  readonly stream: RandomStream = nextStream();
  /** What `forward` gives: the state after each step, or the last one of each direction. */
  returns: "sequence" | "last" = "sequence";
  readonly #weights: ReadonlyMap<string, Parameter>;
  readonly #form: Form;
  readonly #inputSize: number;
  readonly #hidden: number;

  constructor(inputSize: number, hiddenSize: number, form: Form) {
    super();
    if (form.projSize !== undefined && form.projSize >= hiddenSize) {
      throw new ShapeError(`must be smaller than hidden_size ${hiddenSize}, got ${form.projSize}`, "proj_size");
    }
    const specs = Object.entries(recurrentSpecs(inputSize, hiddenSize, form));
    this.#weights = new Map(specs.map(([name, spec]) => [name, new Parameter(spec)]));
    this.#form = form;
    this.#inputSize = inputSize;
    this.#hidden = hiddenSize;
  }

  override *parts(): Iterable<[string, unknown]> {
    yield* this.#weights;
    yield ["stream", this.stream];
  }

  /** The output of {@link run}, from states of zeros: all of it, or its last steps. */
  forward(x: Tensor): Tensor {
    const { output, h } = this.run(x);
    if (this.returns === "sequence") return output;
    const count = this.#form.bidirectional ? 2 : 1;
    const last = slice(h, 0, (h.shape[0] ?? 0) - count, h.shape[0] ?? 0);
    if (count === 1) return reshape(last, last.shape.slice(1));
    const [forward, backward] = [0, 1].map((i) => reshape(slice(last, 0, i, i + 1), last.shape.slice(1)));
    return forward && backward ? concat([forward, backward], -1) : last;
  }

  /**
   * As PyTorch's `forward`: x is (L, N, input_size), (N, L, input_size) with batchFirst, or one sample (L, input_size);
   * the states at the start are zeros where they are left out.
   */
  run(x: Tensor, start: { readonly h?: Tensor; readonly c?: Tensor } = {}): RecurrentOutput {
    if (x.rank === 2) return this.#runOne(x, start);
    const [, , features] = x.shape;
    if (x.rank !== 3 || features !== this.#inputSize) {
      throw new ShapeError(
        `${this.constructor.name} takes steps of ${this.#inputSize} features, got ${showShape(x.shape)}.`,
        "input_size",
      );
    }
    const { batchFirst = false } = this.#form;
    const { output, h, c } = this.#layers(batchFirst ? permute(x, [1, 0, 2]) : x, start);
    return { output: batchFirst ? permute(output, [1, 0, 2]) : output, h, c };
  }

  /** One sample, as a batch of one. */
  #runOne(x: Tensor, start: { readonly h?: Tensor; readonly c?: Tensor }): RecurrentOutput {
    const at = this.#form.batchFirst ? 0 : 1;
    const batched = (t: Tensor, dim: number): Tensor =>
      reshape(t, [...t.shape.slice(0, dim), 1, ...t.shape.slice(dim)]);
    const alone = (t: Tensor, dim: number): Tensor => reshape(t, t.shape.toSpliced(dim, 1));
    const { h, c } = start;
    const found = this.run(batched(x, at), { ...(h && { h: batched(h, 1) }), ...(c && { c: batched(c, 1) }) });
    return { output: alone(found.output, at), h: alone(found.h, 1), c: found.c && alone(found.c, 1) };
  }

  /** x is (L, N, features). */
  #layers(x: Tensor, start: { readonly h?: Tensor; readonly c?: Tensor }): RecurrentOutput {
    const { kind, numLayers = 1, bidirectional = false, dropout = 0, projSize = 0 } = this.#form;
    const [steps = 0, batch = 0] = x.shape;
    const features = projSize || this.#hidden;
    const directions = bidirectional ? ["", "_reverse"] : [""];
    const h: Tensor[] = [];
    const c: Tensor[] = [];
    const state = (given: Tensor | undefined, i: number, size: number): Tensor =>
      given ? reshape(slice(given, 0, i, i + 1), [batch, size]) : zeros([batch, size], { device: x.device });
    let inputs = x;
    for (let layer = 0; layer < numLayers; layer++) {
      const outputs = directions.map((direction, d) => {
        const weight = (name: string): Tensor | null => this.#weights.get(`${name}_l${layer}${direction}`) ?? null;
        const [ih, hh] = [weight("weight_ih"), weight("weight_hh")];
        if (!ih || !hh) throw new Error(`${this.constructor.name} has no weights for layer ${layer}`);
        const i = layer * directions.length + d;
        const reverse = d === 1;
        const { states, cell } = recurrent(
          kind,
          {
            gates: linear(inputs, ih, weight("bias_ih")),
            weight: hh,
            bias: weight("bias_hh"),
            h0: state(start.h, i, features),
            c0: kind === "lstm" ? state(start.c, i, this.#hidden) : null,
            projection: weight("weight_hr"),
          },
          reverse,
        );
        const last = reverse ? 0 : steps - 1;
        h.push(slice(states, 0, last, last + 1));
        if (cell) c.push(reshape(cell, [1, batch, this.#hidden]));
        return states;
      });
      inputs = outputs.length === 1 && outputs[0] ? outputs[0] : concat(outputs, 2);
      if (this.training && dropout > 0 && layer < numLayers - 1) {
        inputs = mul(inputs, this.stream.dropoutMask(inputs.shape, dropout));
      }
    }
    return { output: inputs, h: joined(h), c: c.length > 0 ? joined(c) : null };
  }
}

const joined = (parts: readonly Tensor[]): Tensor => (parts.length === 1 && parts[0] ? parts[0] : concat(parts, 0));

/** h = tanh or relu(W_ih·x + b_ih + W_hh·h + b_hh) */
export class RNN extends Recurrent {
  constructor(
    inputSize: number,
    hiddenSize: number,
    { nonlinearity = "tanh", ...options }: RecurrentOptions & { readonly nonlinearity?: "tanh" | "relu" } = {},
  ) {
    super(inputSize, hiddenSize, { ...options, kind: nonlinearity });
  }
}

/** Hochreiter and Schmidhuber, 1997, with a forget gate: c = f·c + i·g, h = o·tanh(c), projected if projSize is given. */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions & { readonly projSize?: number } = {}) {
    super(inputSize, hiddenSize, { ...options, kind: "lstm" });
  }
}

/** Cho et al., 2014: h = (1 − z)·n + z·h, where n sees the state through the reset gate r. */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(inputSize, hiddenSize, { ...options, kind: "gru" });
  }
}

abstract class Cell extends Module {
  readonly weight_ih: Parameter;
  readonly weight_hh: Parameter;
  readonly bias_ih: Parameter | null;
  readonly bias_hh: Parameter | null;
  readonly #kind: RecurrentKind;
  readonly #hidden: number;

  constructor(inputSize: number, hiddenSize: number, bias: boolean, kind: RecurrentKind) {
    super();
    const specs = recurrentSpecs(inputSize, hiddenSize, { kind, bias });
    const make = (name: string): Parameter | null => {
      const spec = specs[`${name}_l0`];
      return spec ? new Parameter(spec) : null;
    };
    const [ih, hh] = [make("weight_ih"), make("weight_hh")];
    if (!ih || !hh) throw new Error("a cell without weights");
    this.weight_ih = ih;
    this.weight_hh = hh;
    this.bias_ih = make("bias_ih");
    this.bias_hh = make("bias_hh");
    this.#kind = kind;
    this.#hidden = hiddenSize;
  }

  /** One step from x (N, input_size) or (input_size); states are zeros where they are left out. */
  step(x: Tensor, h?: Tensor, c?: Tensor): { h: Tensor; c: Tensor | null } {
    const batch = x.rank === 1 ? 1 : (x.shape[0] ?? 0);
    const state = (given?: Tensor): Tensor =>
      given ? reshape(given, [batch, this.#hidden]) : zeros([batch, this.#hidden], { device: x.device });
    const { states, cell } = recurrent(this.#kind, {
      gates: linear(reshape(x, [1, batch, x.shape.at(-1) ?? 0]), this.weight_ih, this.bias_ih),
      weight: this.weight_hh,
      bias: this.bias_hh,
      h0: state(h),
      c0: this.#kind === "lstm" ? state(c) : null,
      projection: null,
    });
    const shape = [...x.shape.slice(0, -1), this.#hidden];
    return { h: reshape(states, shape), c: cell && reshape(cell, shape) };
  }

  forward(x: Tensor, h?: Tensor, c?: Tensor): Tensor {
    return this.step(x, h, c).h;
  }
}

export class RNNCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, bias = true, nonlinearity: "tanh" | "relu" = "tanh") {
    super(inputSize, hiddenSize, bias, nonlinearity);
  }
}
export class LSTMCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, bias = true) {
    super(inputSize, hiddenSize, bias, "lstm");
  }
}
export class GRUCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, bias = true) {
    super(inputSize, hiddenSize, bias, "gru");
  }
}
