// RNN, LSTM and GRU over a whole sequence in one instruction: per step a product with the state and a fused cell.
//
// Step t of `gates` keeps what the backward pass needs: RNN nothing (the output says it), LSTM the activated i, f, g, o,
// GRU the activated r, z, n and n's hidden part before r scales it.
import { matmul, stepProduct } from "./matmul";
import { Act, BIAS, GRU, gatesOf, LSTM, PROJECTED, REVERSE, TANH } from "./recurrent-cell";

export function recurrent(
  out: usize,
  gates: usize,
  cells: usize,
  raw: usize,
  gi: usize,
  weight: usize,
  bias: usize,
  h0: usize,
  c0: usize,
  projection: usize,
  kind: i32,
  steps: i32,
  batch: i32,
  hidden: i32,
  features: i32,
  flags: i32,
): void {
  recurrentPart(
    out,
    gates,
    cells,
    raw,
    gi,
    weight,
    bias,
    h0,
    c0,
    projection,
    kind,
    steps,
    batch,
    hidden,
    features,
    flags,
    0,
    batch,
  );
}

/** The samples `first` … `first + count − 1` of the batch. */
export function recurrentPart(
  out: usize,
  gates: usize,
  cells: usize,
  raw: usize,
  gi: usize,
  weight: usize,
  bias: usize,
  h0: usize,
  c0: usize,
  projection: usize,
  kind: i32,
  steps: i32,
  batch: i32,
  hidden: i32,
  features: i32,
  flags: i32,
  first: i32,
  count: i32,
): void {
  const width = gatesOf(kind) * hidden;
  // The bytes of one sample, and of a step of the whole batch.
  const ofUnits = (<usize>hidden) << 2;
  const ofState = (<usize>features) << 2;
  const ofGates = <usize>gatesOf(kind) * ofUnits;
  const ofKept = kind == GRU ? 4 * ofUnits : ofGates;
  const unit = <usize>batch * ofUnits;
  const state = <usize>batch * ofState;
  const gateBytes = <usize>batch * ofGates;
  const kept = <usize>batch * ofKept;
  const skipped = <usize>first;
  out += skipped * ofState;
  gates += skipped * ofKept;
  cells += skipped * ofUnits;
  raw += skipped * ofUnits;
  gi += skipped * ofGates;
  h0 += skipped * ofState;
  c0 += skipped * ofUnits;
  let h = h0;
  let c = c0;
  for (let i = 0; i < steps; ++i) {
    const t = <usize>(flags & REVERSE ? steps - 1 - i : i);
    const to = out + t * state;
    const keep = gates + t * kept;
    const input = gi + t * gateBytes;
    // The state's part lies where the cell writes its results, each read before it is overwritten; GRU keeps a quarter
    // more than that, so its part lies at the end.
    const part = kind == LSTM ? keep : kind == GRU ? keep + <usize>count * ofUnits : to;
    stepProduct(part, h, weight, flags & BIAS ? bias : 0, count, width, features, true, i > 0 && !(flags & PROJECTED));
    if (kind == LSTM) {
      const cell = cells + t * unit;
      const unprojected = flags & PROJECTED ? raw + t * unit : to;
      lstmCell(unprojected, cell, keep, part, input, c, count, hidden);
      c = cell;
      if (flags & PROJECTED) matmul(to, unprojected, projection, count, features, hidden, 0, 1, 1, 0, 0);
    } else if (kind == GRU) gruCell(to, keep, part, input, h, count, hidden);
    else if (kind == TANH) tanhCell(to, part, input, count * hidden);
    else reluCell(to, part, input, count * hidden);
    h = to;
  }
}

function tanhCell(out: usize, fromState: usize, fromInput: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2;
    Act.store(out, i, n, Act.tanh(Act.sum(fromInput + at, fromState + at)));
  }
}

function reluCell(out: usize, fromState: usize, fromInput: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2;
    Act.store(out, i, n, f32x4.pmax(Act.sum(fromInput + at, fromState + at), f32x4.splat(0)));
  }
}

/** c = f·c + i·g, h = o·tanh(c) */
function lstmCell(
  h: usize,
  cell: usize,
  gates: usize,
  fromState: usize,
  fromInput: usize,
  c: usize,
  batch: i32,
  hidden: i32,
): void {
  const row = (<usize>hidden) << 2;
  for (; batch > 0; --batch) {
    for (let j = 0; j < hidden; j += 4) {
      const at = (<usize>j) << 2;
      const i = Act.sigmoid(Act.sum(fromInput + at, fromState + at));
      const f = Act.sigmoid(Act.sum(fromInput + row + at, fromState + row + at));
      const g = Act.tanh(Act.sum(fromInput + 2 * row + at, fromState + 2 * row + at));
      const o = Act.sigmoid(Act.sum(fromInput + 3 * row + at, fromState + 3 * row + at));
      const next = f32x4.add(f32x4.mul(f, v128.load(c + at)), f32x4.mul(i, g));
      Act.store(gates, j, hidden, i);
      Act.store(gates + row, j, hidden, f);
      Act.store(gates + 2 * row, j, hidden, g);
      Act.store(gates + 3 * row, j, hidden, o);
      Act.store(cell, j, hidden, next);
    }
    // On its own: it must wait for all four gates, and these need not wait for it.
    for (let j = 0; j < hidden; j += 4) {
      const at = (<usize>j) << 2;
      Act.store(h, j, hidden, f32x4.mul(v128.load(gates + 3 * row + at), Act.tanh(v128.load(cell + at))));
    }
    h += row;
    cell += row;
    c += row;
    gates += 4 * row;
    fromState += 4 * row;
    fromInput += 4 * row;
  }
}

/** n = tanh(n's input part + r·n's hidden part), h = (1 − z)·n + z·h */
function gruCell(
  out: usize,
  gates: usize,
  fromState: usize,
  fromInput: usize,
  h: usize,
  batch: i32,
  hidden: i32,
): void {
  const row = (<usize>hidden) << 2;
  const one = f32x4.splat(1);
  for (; batch > 0; --batch) {
    for (let j = 0; j < hidden; j += 4) {
      const at = (<usize>j) << 2;
      const r = Act.sigmoid(Act.sum(fromInput + at, fromState + at));
      const z = Act.sigmoid(Act.sum(fromInput + row + at, fromState + row + at));
      const inner = v128.load(fromState + 2 * row + at);
      const n = Act.tanh(f32x4.add(v128.load(fromInput + 2 * row + at), f32x4.mul(r, inner)));
      Act.store(gates, j, hidden, r);
      Act.store(gates + row, j, hidden, z);
      Act.store(gates + 2 * row, j, hidden, n);
      Act.store(gates + 3 * row, j, hidden, inner);
      const kept = f32x4.mul(z, v128.load(h + at));
      Act.store(out, j, hidden, f32x4.add(f32x4.mul(f32x4.sub(one, z), n), kept));
    }
    out += row;
    h += row;
    gates += 4 * row;
    fromState += 3 * row;
    fromInput += 3 * row;
  }
}
