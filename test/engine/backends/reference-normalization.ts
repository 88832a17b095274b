/** Normalisation in plain JavaScript; see reference.ts. */
import type { Reference } from "./reference.ts";

/** Positions of each channel of [outer, channels, inner]. */
function channelPositions(outer: number, channels: number, inner: number, c: number): number[] {
  return Array.from({ length: outer * inner }, (_, k) => {
    const [o, i] = [Math.floor(k / inner), k % inner];
    return (o * channels + c) * inner + i;
  });
}

const channelOf = (i: number, inner: number, channels: number) => Math.floor(i / inner) % channels;
const featureOf = (i: number, spread: number, features: number) => Math.floor(i / spread) % features;

export const normalizationReferences = {
  moments: ({ mean, variance, rstd, x }, { outer, channels, inner, uncentred, eps }) => {
    for (let c = 0; c < channels!; c++) {
      const values = channelPositions(outer!, channels!, inner!, c).map((at) => x![at]!);
      const m = uncentred ? 0 : values.reduce((sum, v) => sum + v, 0) / values.length;
      const v = values.reduce((sum, value) => sum + (value - m) ** 2, 0) / values.length;
      mean![c] = m;
      variance![c] = v;
      rstd![c] = 1 / Math.sqrt(v + eps!);
    }
  },
  normalize: ({ out, x, mean, rstd, weight, bias }, { outer, channels, inner, features, spread, flags }) => {
    for (let i = 0; i < outer! * channels! * inner!; i++) {
      const c = channelOf(i, inner!, channels!);
      const f = featureOf(i, spread!, features!);
      const scaled = (x![i]! - mean![c]!) * rstd![c]! * (flags! & 1 ? weight![f]! : 1);
      out![i] = scaled + (flags! & 2 ? bias![f]! : 0);
    }
  },
  normalizeBackward: ({ out, g, x, mean, rstd, weight }, { outer, channels, inner, features, spread, flags }) => {
    for (let c = 0; c < channels!; c++) {
      const positions = channelPositions(outer!, channels!, inner!, c);
      const gw = (i: number) => g![i]! * (flags! & 1 ? weight![featureOf(i, spread!, features!)]! : 1);
      const standard = (i: number) => (x![i]! - mean![c]!) * rstd![c]!;
      const meanOf = (f: (i: number) => number) => positions.reduce((sum, i) => sum + f(i), 0) / positions.length;
      const shift = flags! & 4 ? meanOf(gw) : 0;
      const slope = meanOf((i) => gw(i) * standard(i));
      for (const i of positions) out![i] = rstd![c]! * (gw(i) - shift - standard(i) * slope);
    }
  },
  normalizeWeightBackward: ({ out, g, x, mean, rstd }, { n, channels, inner, features, spread }) => {
    out!.fill(0, 0, features!);
    for (let i = 0; i < n!; i++) {
      const c = channelOf(i, inner!, channels!);
      out![featureOf(i, spread!, features!)]! += g![i]! * (x![i]! - mean![c]!) * rstd![c]!;
    }
  },
  trackMoments: (
    { runningMean, runningVariance, count, mean, variance },
    { rows, channels, counted, momentum, correction },
  ) => {
    count![0]! += counted!;
    const share = momentum! < 0 ? 1 / count![0]! : momentum!;
    for (let c = 0; c < channels!; c++) {
      const meanOf = (of: ArrayLike<number>) =>
        Array.from({ length: rows! }, (_, row) => of[row * channels! + c]!).reduce((sum, v) => sum + v, 0) / rows!;
      runningMean![c] = (1 - share) * runningMean![c]! + share * meanOf(mean!);
      runningVariance![c] = (1 - share) * runningVariance![c]! + share * correction! * meanOf(variance!);
    }
  },
} satisfies Record<string, Reference>;
