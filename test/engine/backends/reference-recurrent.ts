/** RNN, LSTM and GRU in plain JavaScript, unit by unit, from PyTorch's formulas; see reference.ts. */
import type { Numbers, Reference } from "./reference.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const LSTM = 2;
const GRU = 3;
const gatesOf = (kind: number) => (kind === LSTM ? 4 : kind === GRU ? 3 : 1);

/** The order of the steps, and for each the one before it (−1: the state at the start). */
function order(steps: number, flags: number): { t: number; before: number }[] {
  return Array.from({ length: steps }, (_, i) => {
    const t = flags & 1 ? steps - 1 - i : i;
    return { t, before: i === 0 ? -1 : flags & 1 ? t + 1 : t - 1 };
  });
}

export const recurrentReferences = {
  recurrent: (
    { out, gates, cells, raw: unprojected, gi, weight, bias, h0, c0, projection },
    { kind, steps, batch, hidden, features, flags },
  ) => {
    const [H, P, G] = [hidden!, features!, gatesOf(kind!)];
    const kept = kind === GRU ? 4 : G;
    for (const { t, before } of order(steps!, flags!)) {
      for (let n = 0; n < batch!; n++) {
        const h = (p: number) => (before < 0 ? h0![n * P + p]! : out![(before * batch! + n) * P + p]!);
        const row = t * batch! + n;
        const raw = new Float64Array(H);
        for (let j = 0; j < H; j++) {
          const fromState = Array.from({ length: G }, (_, k) => {
            let sum = flags! & 2 ? bias![k * H + j]! : 0;
            for (let p = 0; p < P; p++) sum += weight![(k * H + j) * P + p]! * h(p);
            return sum;
          });
          const input = (k: number) => gi![row * G * H + k * H + j]!;
          const keep = (values: number[]) =>
            values.forEach((value, k) => {
              gates![row * kept * H + k * H + j] = value;
            });
          if (kind === LSTM) {
            const [i, f, g, o] = fromState.map((s, k) => (k === 2 ? Math.tanh(s + input(k)) : sigmoid(s + input(k))));
            const c = before < 0 ? c0![n * H + j]! : cells![(before * batch! + n) * H + j]!;
            const next = f! * c + i! * g!;
            cells![row * H + j] = next;
            keep([i!, f!, g!, o!]);
            raw[j] = o! * Math.tanh(next);
          } else if (kind === GRU) {
            const [r, z] = [sigmoid(fromState[0]! + input(0)), sigmoid(fromState[1]! + input(1))];
            const next = Math.tanh(input(2) + r * fromState[2]!);
            keep([r, z, next, fromState[2]!]);
            raw[j] = (1 - z) * next + z * h(j);
          } else {
            const sum = fromState[0]! + input(0);
            raw[j] = kind === 0 ? Math.tanh(sum) : Math.max(0, sum);
          }
        }
        if (flags! & 4) for (let j = 0; j < H; j++) unprojected![row * H + j] = raw[j]!;
        for (let p = 0; p < P; p++) {
          const projected = raw.reduce((sum, value, j) => sum + (flags! & 4 ? projection![p * H + j]! * value : 0), 0);
          out![row * P + p] = flags! & 4 ? projected : raw[p]!;
        }
      }
    }
  },

  recurrentBackward: (arrays, params) => {
    const { dInput, dState, dRaw, dh0, dc0, g, gCell, out, gates, cells, weight, h0, c0, projection } = arrays;
    const { kind, steps, batch, hidden, features, flags } = params;
    const [H, P, G, N] = [hidden!, features!, gatesOf(kind!), batch!];
    const kept = kind === GRU ? 4 : G;
    dh0!.fill(0, 0, N * P);
    for (let i = 0; i < N * H; i++) dc0![i] = kind === LSTM ? gCell![i]! : 0;
    for (const { t, before } of order(steps!, flags!).reverse()) {
      for (let n = 0; n < N; n++) {
        const row = t * N + n;
        const dh = Array.from({ length: P }, (_, p) => dh0![n * P + p]! + g![row * P + p]!);
        const earlier = (states: Numbers, start: Numbers, size: number, j: number) =>
          before < 0 ? start[n * size + j]! : states[(before * N + n) * size + j]!;
        if (flags! & 4) for (let p = 0; p < P; p++) dRaw![row * P + p] = dh[p]!;
        const dUnit = (j: number) =>
          flags! & 4 ? dh.reduce((sum, value, p) => sum + value * projection![p * H + j]!, 0) : dh[j]!;
        const through = new Float64Array(G * H);
        const direct = new Float64Array(P);
        for (let j = 0; j < H; j++) {
          const gate = (k: number) => gates![row * kept * H + k * H + j]!;
          const set = (k: number, value: number, state = value) => {
            dInput![row * G * H + k * H + j] = value;
            if (kind === GRU) dState![row * G * H + k * H + j] = state;
            through[k * H + j] = state;
          };
          const d = dUnit(j);
          if (kind === LSTM) {
            const [i, f, candidate, o] = [gate(0), gate(1), gate(2), gate(3)];
            const squashed = Math.tanh(cells![row * H + j]!);
            const dc = dc0![n * H + j]! + d * o * (1 - squashed ** 2);
            set(0, dc * candidate * i * (1 - i));
            set(1, dc * earlier(cells!, c0!, H, j) * f * (1 - f));
            set(2, dc * i * (1 - candidate ** 2));
            set(3, d * squashed * o * (1 - o));
            dc0![n * H + j] = dc * f;
          } else if (kind === GRU) {
            const [r, z, next, inner] = [gate(0), gate(1), gate(2), gate(3)];
            const dn = d * (1 - z) * (1 - next ** 2);
            set(0, dn * inner * r * (1 - r));
            set(1, d * (earlier(out!, h0!, H, j) - next) * z * (1 - z));
            set(2, dn, dn * r);
            direct[j] = d * z;
          } else {
            const h = out![row * H + j]!;
            set(0, kind === 0 ? d * (1 - h ** 2) : h <= 0 ? 0 : d);
          }
        }
        for (let p = 0; p < P; p++) {
          dh0![n * P + p] = through.reduce((sum, value, k) => sum + value * weight![k * P + p]!, direct[p]!);
        }
      }
    }
  },
} satisfies Record<string, Reference>;
