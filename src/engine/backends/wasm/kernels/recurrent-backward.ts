// The gradients of RNN, LSTM and GRU over a whole sequence, from the last step back to the first.
import { matmul, stepProduct } from "./matmul";
import { Act, GRU, gatesOf, LSTM, PROJECTED, REVERSE, TANH } from "./recurrent-cell";

export function recurrentBackward(
  dInput: usize,
  dState: usize,
  dRaw: usize,
  dh0: usize,
  dc0: usize,
  g: usize,
  gCell: usize,
  out: usize,
  gates: usize,
  cells: usize,
  weight: usize,
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
  recurrentBackwardPart(
    dInput,
    dState,
    dRaw,
    dh0,
    dc0,
    g,
    gCell,
    out,
    gates,
    cells,
    weight,
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
export function recurrentBackwardPart(
  dInput: usize,
  dState: usize,
  dRaw: usize,
  dh0: usize,
  dc0: usize,
  g: usize,
  gCell: usize,
  out: usize,
  gates: usize,
  cells: usize,
  weight: usize,
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
  // The bytes of one sample, of a step of the whole batch, and of a step of these samples.
  const ofUnits = (<usize>hidden) << 2;
  const ofState = (<usize>features) << 2;
  const ofGates = <usize>gatesOf(kind) * ofUnits;
  const ofKept = kind == GRU ? 4 * ofUnits : ofGates;
  const unit = <usize>batch * ofUnits;
  const state = <usize>batch * ofState;
  const gateBytes = <usize>batch * ofGates;
  const kept = <usize>batch * ofKept;
  const ownUnits = <usize>count * ofUnits;
  const ownState = <usize>count * ofState;
  const skipped = <usize>first;
  dInput += skipped * ofGates;
  dState += skipped * ofGates;
  dRaw += skipped * ofState;
  dh0 += skipped * ofState;
  dc0 += skipped * ofUnits;
  g += skipped * ofState;
  gCell += skipped * ofUnits;
  out += skipped * ofState;
  gates += skipped * ofKept;
  cells += skipped * ofUnits;
  h0 += skipped * ofState;
  c0 += skipped * ofUnits;
  memory.fill(dh0, 0, ownState);
  if (kind == LSTM) memory.copy(dc0, gCell, ownUnits);
  for (let i = steps - 1; i >= 0; --i) {
    const t = <usize>(flags & REVERSE ? steps - 1 - i : i);
    const before = <usize>(flags & REVERSE ? t + 1 : t - 1);
    // Of the state after this step: from outside and from the step after it.
    addTo(dh0, g + t * state, count * features);
    const dGates = dInput + t * gateBytes;
    const keep = gates + t * kept;
    const again = i < steps - 1 && !(flags & PROJECTED);
    if (kind == LSTM) {
      const c = i == 0 ? c0 : cells + before * unit;
      let dh = dh0;
      if (flags & PROJECTED) {
        memory.copy(dRaw + t * state, dh0, ownState);
        // In the last quarter of this step's gates: each value is read before it is overwritten.
        dh = dGates + 3 * ownUnits;
        matmul(dh, dh0, projection, count, hidden, features, 0, 0, 1, 0, 0);
      }
      lstmCellBackward(dGates, dc0, dh, keep, cells + t * unit, c, count, hidden);
      stepProduct(dh0, dGates, weight, 0, count, features, width, false, again);
    } else if (kind == GRU) {
      const h = i == 0 ? h0 : out + before * state;
      const dHidden = dState + t * gateBytes;
      gruCellBackward(dGates, dHidden, dh0, keep, h, count, hidden);
      // A GRU has no cell, so that buffer is free.
      stepProduct(dc0, dHidden, weight, 0, count, features, width, false, again);
      addTo(dh0, dc0, count * features);
    } else {
      if (kind == TANH) tanhCellBackward(dGates, dh0, out + t * state, count * hidden);
      else reluCellBackward(dGates, dh0, out + t * state, count * hidden);
      stepProduct(dh0, dGates, weight, 0, count, features, width, false, again);
    }
  }
  if (kind != LSTM) memory.fill(dc0, 0, ownUnits);
}

function addTo(to: usize, from: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2;
    Act.store(to, i, n, Act.sum(to + at, from + at));
  }
}

function tanhCellBackward(d: usize, dh: usize, h: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2;
    Act.store(d, i, n, Act.tanhBackward(v128.load(dh + at), v128.load(h + at)));
  }
}

function reluCellBackward(d: usize, dh: usize, h: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2;
    const off = f32x4.le(v128.load(h + at), f32x4.splat(0));
    Act.store(d, i, n, v128.andnot(v128.load(dh + at), off));
  }
}

/** dc holds the gradient of this step's cell from the step after it, and then that of the step before. */
function lstmCellBackward(
  d: usize,
  dc: usize,
  dh: usize,
  gates: usize,
  cell: usize,
  c: usize,
  batch: i32,
  hidden: i32,
): void {
  const row = (<usize>hidden) << 2;
  for (; batch > 0; --batch) {
    for (let j = 0; j < hidden; j += 4) {
      const at = (<usize>j) << 2;
      const i = v128.load(gates + at);
      const f = v128.load(gates + row + at);
      const g = v128.load(gates + 2 * row + at);
      const o = v128.load(gates + 3 * row + at);
      const squashed = Act.tanh(v128.load(cell + at));
      const gh = v128.load(dh + at);
      const gc = f32x4.add(v128.load(dc + at), Act.tanhBackward(f32x4.mul(gh, o), squashed));
      Act.store(d, j, hidden, Act.sigmoidBackward(f32x4.mul(gc, g), i));
      Act.store(d + row, j, hidden, Act.sigmoidBackward(f32x4.mul(gc, v128.load(c + at)), f));
      Act.store(d + 2 * row, j, hidden, Act.tanhBackward(f32x4.mul(gc, i), g));
      Act.store(d + 3 * row, j, hidden, Act.sigmoidBackward(f32x4.mul(gh, squashed), o));
      Act.store(dc, j, hidden, f32x4.mul(gc, f));
    }
    d += 4 * row;
    dc += row;
    dh += row;
    gates += 4 * row;
    cell += row;
    c += row;
  }
}

/** dh keeps what goes straight to the state before; what goes through the gates is added by a product with dHidden. */
function gruCellBackward(d: usize, dHidden: usize, dh: usize, gates: usize, h: usize, batch: i32, hidden: i32): void {
  const row = (<usize>hidden) << 2;
  const one = f32x4.splat(1);
  for (; batch > 0; --batch) {
    for (let j = 0; j < hidden; j += 4) {
      const at = (<usize>j) << 2;
      const r = v128.load(gates + at);
      const z = v128.load(gates + row + at);
      const n = v128.load(gates + 2 * row + at);
      const inner = v128.load(gates + 3 * row + at);
      const g = v128.load(dh + at);
      const dn = Act.tanhBackward(f32x4.mul(g, f32x4.sub(one, z)), n);
      const dz = Act.sigmoidBackward(f32x4.mul(g, f32x4.sub(v128.load(h + at), n)), z);
      const dr = Act.sigmoidBackward(f32x4.mul(dn, inner), r);
      Act.store(d, j, hidden, dr);
      Act.store(d + row, j, hidden, dz);
      Act.store(d + 2 * row, j, hidden, dn);
      Act.store(dHidden, j, hidden, dr);
      Act.store(dHidden + row, j, hidden, dz);
      Act.store(dHidden + 2 * row, j, hidden, f32x4.mul(dn, r));
      Act.store(dh, j, hidden, f32x4.mul(g, z));
    }
    d += 3 * row;
    dHidden += 3 * row;
    dh += row;
    gates += 4 * row;
    h += row;
  }
}
