/** Normalisation: moments of channels as sums in stages, the rest element by element. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Operand, Pass } from "../lowering.ts";
import { cells, literal, lowering, operand, pass, position, temporary } from "./kernel-source.ts";
import { inOrder, type Stages, SUM, stages } from "./stages.ts";

/** x as [outer, channels, inner]. */
interface Channels {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

interface Features extends Channels {
  readonly features: number;
  readonly spread: number;
}

type Element = (at: string, index: { readonly o: string; readonly c: string; readonly i: string }) => string;

interface ChannelSum {
  readonly reads: Readonly<Record<string, Operand>>;
  readonly term: Element;
  readonly writes: Operand;
  readonly first: number;
  readonly finish?: (sum: string) => string;
}

/** Σ term over each channel: along `inner` first, then over `outer`. */
function channelSums(view: Channels, { reads, term, writes, first, finish = (sum) => sum }: ChannelSum): Stages {
  const { outer, channels, inner } = view;
  if (inner === 1) {
    const each = (at: string, [c = "0"]: readonly string[], o: string) => term(at, { o, c, i: "0" });
    return stages({
      fold: SUM,
      over: { before: [], length: outer, after: [channels] },
      reads,
      term: each,
      writes,
      first,
      finish,
    });
  }
  const each = (at: string, [o = "0", c = "0"]: readonly string[], i: string) => term(at, { o, c, i });
  const rows = { before: [outer, channels], length: inner, after: [] };
  if (outer === 1) return stages({ fold: SUM, over: rows, reads, term: each, writes, first, finish });
  const row = temporary(first);
  const together = inOrder(
    first + 1,
    (next) => stages({ fold: SUM, over: rows, reads, term: each, writes: row, first: next }),
    (next) =>
      stages({
        ...{ fold: SUM, over: { before: [], length: outer, after: [channels] }, reads: { row } },
        ...{ term: (at: string) => `row[${at}]`, writes, first: next, finish },
      }),
  );
  return { temporaries: [outer * channels, ...together.temporaries], passes: together.passes };
}

function perElement(
  { outer, channels, inner }: Channels,
  reads: Readonly<Record<string, Operand>>,
  value: Element,
): Pass {
  const { output, head, index } = cells([outer, channels, inner]);
  const [o = "0", c = "0", i = "0"] = index;
  const at = position(index, [channels * inner, inner, 1]);
  return pass({ output, reads, writes: operand(0), body: head + value(at, { o, c, i }) });
}

/** The feature of an element, as text: (flat index / spread) mod features. */
function featureOf(
  { channels, inner, features, spread }: Features,
  { o, c, i }: { o: string; c: string; i: string },
): string {
  if (spread === inner && features === channels) return c;
  if (spread === 1 && features === inner) return i;
  // Groups: a channel has whole features, and numbers stay small if it is counted in these.
  const rows = inner / spread;
  return `remainder(${position([o, c], [channels * rows, rows])} + quotient(${i}, ${spread}), ${features})`;
}

const viewNames = ["outer", "channels", "inner"] as const;
const featureNames = [...viewNames, "features", "spread", "flags"] as const;
const isEmpty = ({ outer, channels, inner }: Channels): boolean => outer * channels * inner === 0;

export const normalizations = {
  moments: lowering([...viewNames, "uncentred", "eps"], (params) => {
    if (isEmpty(params)) return [];
    const [mean, variance, rstd, x] = [operand(0), operand(1), operand(2), operand(3)];
    const { channels, uncentred, eps } = params;
    const average = (sum: string) => `${sum} / ${params.outer * params.inner}`;
    const none: Stages = { temporaries: [], passes: [pass({ output: [channels], writes: mean, body: "return 0;" })] };
    const deviation = uncentred ? (at: string) => `x[${at}]` : (at: string, c: string) => `(x[${at}] - mean[${c}])`;
    const sums = inOrder(
      0,
      (first) =>
        uncentred
          ? none
          : channelSums(params, { reads: { x }, term: (at) => `x[${at}]`, writes: mean, first, finish: average }),
      (first) =>
        channelSums(params, {
          ...{ reads: uncentred ? { x } : { x, mean }, writes: variance, first, finish: average },
          term: (at, { c }) => `${deviation(at, c)} * ${deviation(at, c)}`,
        }),
    );
    const body = `return 1 / Math.sqrt(variance[this.thread.x] + ${literal(eps)});`;
    return {
      temporaries: sums.temporaries,
      passes: [...sums.passes, pass({ output: [channels], reads: { variance }, writes: rstd, body })],
    };
  }),
  normalize: lowering(featureNames, (params) => {
    if (isEmpty(params)) return [];
    const [hasWeight, hasBias] = [(params.flags & 1) !== 0, (params.flags & 2) !== 0];
    const reads = {
      ...{ x: operand(1), mean: operand(2), rstd: operand(3) },
      ...(hasWeight ? { weight: operand(4) } : {}),
      ...(hasBias ? { bias: operand(5) } : {}),
    };
    return [
      perElement(params, reads, (at, index) => {
        const feature = hasWeight || hasBias ? `const f = ${featureOf(params, index)};\n` : "";
        const scaled = `(x[${at}] - mean[${index.c}]) * rstd[${index.c}]${hasWeight ? " * weight[f]" : ""}`;
        return `${feature}return ${scaled}${hasBias ? " + bias[f]" : ""};`;
      }),
    ];
  }),
  normalizeBackward: lowering(featureNames, (params) => {
    if (isEmpty(params)) return [];
    const [hasWeight, centred] = [(params.flags & 1) !== 0, (params.flags & 4) !== 0];
    const [g, x, mean, rstd, weight] = [operand(1), operand(2), operand(3), operand(4), operand(5)];
    const scaled = hasWeight ? { g, weight } : { g };
    const gw: Element = (at, index) => `g[${at}]${hasWeight ? ` * weight[${featureOf(params, index)}]` : ""}`;
    const standard: Element = (at, { c }) => `(x[${at}] - mean[${c}]) * rstd[${c}]`;
    const [shift, slope] = [temporary(0), temporary(1)];
    const finish = (sum: string) => `${sum} / ${params.outer * params.inner}`;
    const sums = inOrder(
      2,
      (first) =>
        centred
          ? channelSums(params, { reads: scaled, term: gw, writes: shift, first, finish })
          : { temporaries: [], passes: [] },
      (first) =>
        channelSums(params, {
          ...{ reads: { ...scaled, x, mean, rstd }, writes: slope, first, finish },
          term: (at, index) => `${gw(at, index)} * (${standard(at, index)})`,
        }),
    );
    const reads = { ...scaled, x, mean, rstd, slope, ...(centred ? { shift } : {}) };
    const element = perElement(params, reads, (at, index) => {
      const shifted = centred ? ` - shift[${index.c}]` : "";
      return `return rstd[${index.c}] * (${gw(at, index)}${shifted} - ${standard(at, index)} * slope[${index.c}]);`;
    });
    return {
      temporaries: [params.channels, params.channels, ...sums.temporaries],
      passes: [...sums.passes, element],
    };
  }),
  normalizeWeightBackward: lowering(["n", "channels", "inner", "features", "spread"], (params) => {
    const { n, channels, inner, features, spread } = params;
    const [out, g, x, mean, rstd] = [operand(0), operand(1), operand(2), operand(3), operand(4)];
    if (n === 0) return [pass({ output: [features], writes: out, body: "return 0;" })];
    // Seen as [turns, features, spread]; `rows` of features make a channel's turn.
    const view = { outer: n / (features * spread), channels: features, inner: spread };
    const rows = inner / spread;
    const channelOf = (o: string, f: string) => {
      if (rows === 1 && channels === features) return f;
      if (rows === features && channels === view.outer) return o;
      return `remainder(quotient(${position([o, f], [features, 1])}, ${rows}), ${channels})`;
    };
    return channelSums(view, {
      ...{ reads: { g, x, mean, rstd }, writes: out, first: 0 },
      term: (at, { o, c }) => `g[${at}] * (x[${at}] - mean[${channelOf(o, c)}]) * rstd[${channelOf(o, c)}]`,
    });
  }),
  trackMoments: lowering(
    ["rows", "channels", "counted", "momentum", "correction"],
    ({ rows, channels, counted, momentum, correction }) => {
      const [count, mean, variance] = [operand(2), operand(3), operand(4)];
      const share = momentum < 0 ? "1 / count[0]" : literal(momentum);
      const track = (running: Operand, of: Operand, factor: number) =>
        pass({
          output: [channels],
          reads: { running, of, ...(momentum < 0 ? { count } : {}) },
          writes: running,
          body: `let sum = 0;
            for (let r = 0; r < ${rows}; r++) { sum += of[r * ${channels} + this.thread.x]; }
            const share = ${share};
            return (1 - share) * running[this.thread.x] + share * ${literal(factor)} * (sum / ${rows});`,
        });
      return [
        pass({ output: [1], reads: { count }, writes: count, body: `return count[0] + ${counted};` }),
        track(operand(0), mean, 1),
        track(operand(1), variance, correction),
      ];
    },
  ),
} satisfies Partial<Record<InstructionName, Lower>>;
