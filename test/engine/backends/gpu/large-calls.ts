/** Shapes of real training, too large to run here: that their kernels are well formed, and compile, can be seen without. */
import { type Stage, stagesOf } from "../../../../src/engine/backends/gpu/stages.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { bufferNames } from "../device-call.ts";
import { family } from "../views.ts";

interface Large {
  readonly name: InstructionName;
  readonly params: Readonly<Record<string, number>>;
  /** Of each buffer, where that matters. */
  readonly words?: readonly number[];
}

const MiB = 2 ** 20;

const convolution = (p: Readonly<Record<string, number>>) => ({
  ...{ batch: 64, groups: 1, channels: 64, height: 56, width: 56, features: 128, outHeight: 28, outWidth: 28 },
  ...{ kernelHeight: 3, kernelWidth: 3, strideY: 2, strideX: 2, dilationY: 1, dilationX: 1, padTop: 1, padLeft: 1 },
  ...p,
});

const broadcast = (dims: readonly number[], a: readonly number[], b: readonly number[]) => ({
  rank: dims.length,
  ...family("d", dims),
  ...family("a", a),
  ...family("b", b),
});

const large: readonly Large[] = [
  { name: "relu", params: { n: 40 * MiB }, words: [40 * MiB, 40 * MiB] },
  { name: "add", params: broadcast([60_000, 784], [784, 1], [0, 1]), words: [47_040_000, 47_040_000, 784] },
  { name: "mul", params: broadcast([64, 64, 112, 112], [802_816, 12_544, 112, 1], [0, 1, 0, 0]) },
  { name: "sum", params: { outer: 1, length: 20_000_000, inner: 1 }, words: [1, 20_000_000] },
  { name: "sum", params: { outer: 64, length: 3000, inner: 300 } },
  { name: "softmax", params: { outer: 4096, length: 50_000, inner: 1 } },
  { name: "argmax", params: { outer: 4096, length: 1000, inner: 1 } },
  { name: "linear", params: { m: 512, n: 4096, k: 4096 } },
  {
    name: "matmul",
    params: { m: 128, n: 128, k: 64, transA: 0, transB: 1, batch: 96, strideA: 8192, strideB: 8192 },
  },
  { name: "gatherBatch", params: { rows: 256, width: 150_528 }, words: [38_535_168, 10_000 * 150_528, 10_000, 1] },
  {
    name: "assignStrided",
    params: { rank: 1, offset: 20 * MiB, ...family("d", [512]), ...family("s", [1]) },
    words: [25 * MiB, 512],
  },
  {
    name: "assignStrided",
    params: { rank: 3, offset: 3136 * 64, ...family("d", [64, 64, 3136]), ...family("s", [802_816, 3136, 1]) },
    words: [64 * 802_816, 64 * 64 * 3136],
  },
  { name: "randomPermutation", params: { n: 200_000 }, words: [200_000, 8] },
  { name: "adam", params: { n: 4096 * 4096, flags: 5 } },
  { name: "convolution", params: convolution({}) },
  { name: "biasedConvolution", params: convolution({ groups: 64, features: 64 }) },
  { name: "convolutionInput", params: convolution({}) },
  { name: "convolutionWeight", params: convolution({}) },
  {
    name: "moments",
    params: { outer: 64, channels: 256, inner: 3136, uncentred: 0, eps: 1e-5 },
  },
  {
    name: "normalizeBackward",
    params: { outer: 1, channels: 4096, inner: 1024, features: 1024, spread: 1, flags: 5 },
  },
  {
    name: "embeddingBackward",
    params: { rows: 8192, width: 512, tableRows: 50_000, padding: 0, byFrequency: 0 },
  },
  { name: "recurrent", params: { kind: 2, steps: 100, batch: 64, hidden: 256, features: 256, flags: 2 } },
  {
    name: "recurrentBackward",
    params: { kind: 3, steps: 100, batch: 64, hidden: 256, features: 256, flags: 2 },
  },
];

/** The stages of each, under a name for the test; those that are the same for many steps once. */
export function largeStages(): { readonly what: string; readonly stages: readonly Stage[] }[] {
  return large.map(({ name, params, words = [] }) => {
    const instruction = instructions[name];
    const spans = bufferNames(instruction).map((_, i) => ({ slot: i + 1, offset: 0, words: words[i] ?? ROOM }));
    const stages = stagesOf({
      instruction,
      spans,
      params: Object.keys(instruction.params).map((key) => params[key] ?? 0),
    });
    const once = new Map(stages.map((stage) => [stage.pass.source, stage]));
    const sizes = Object.values(params).filter((size) => size > 1);
    return { what: `${name} of ${sizes.join("·")}`, stages: [...once.values()] };
  });
}

/** Words of a buffer whose size does not matter here. */
const ROOM = 2 ** 28;
