/** A weight of a sample: every loss of a job counts the sample as if it stood there so many times. */
import { describe, expect, test } from "vitest";
import { losses, type Module, MSELoss, ones, type Tensor, tensor, zeros } from "../../../src/engine/index.ts";
import "../device-of-the-tests.ts";

const WEIGHTS = [2, 0, 1, 3];
/** The rows that these weights stand for. */
const REPEATED = WEIGHTS.flatMap((times, row) => new Array<number>(times).fill(row));

const value = (i: number): number => Math.sin(i * 12.9898) * 1.5;
const share = (i: number): number => 0.05 + 0.9 * Math.abs(Math.sin(i * 7.3));

interface Rows {
  readonly outputs: (i: number) => number;
  readonly target: (i: number) => number;
  /** Of one sample. */
  readonly output?: readonly number[];
  readonly targets?: number;
}
const ROWS: Readonly<Record<string, Rows>> = {
  BCELoss: { outputs: share, target: share },
  BCEWithLogitsLoss: { outputs: value, target: share },
  KLDivLoss: { outputs: (i) => -share(i), target: share },
  PoissonNLLLoss: { outputs: value, target: (i) => i % 5 },
  GaussianNLLLoss: { outputs: value, target: value, output: [6], targets: 3 },
  SoftMarginLoss: { outputs: value, target: (i) => (i % 2 === 0 ? 1 : -1) },
  HingeEmbeddingLoss: { outputs: value, target: (i) => (i % 3 === 0 ? 1 : -1) },
  MultiLabelMarginLoss: { outputs: value, target: (i) => [2, 0, -1, 1, -1, 0, -1, 0, 0, 0, 1, 2][i] ?? -1 },
  CTCLoss: {
    outputs: (i) => Math.log(share(i)),
    target: (i) => [1, 2, 2, 2, 1, -1, -1, 1][i] ?? -1,
    output: [5, 3],
    targets: 2,
  },
};

/** The loss and its gradient over chosen rows. */
function lossOf(type: string, args: Record<string, unknown>, rows: readonly number[], weights?: readonly number[]) {
  const definition = losses.get(type);
  if (!definition) throw new Error(`There is no loss ${type}.`);
  const { outputs, target, output = [3], targets = 3 }: Rows = ROWS[type] ?? { outputs: value, target: value };
  const width = output.reduce((a, b) => a * b, 1);
  const pick = (size: number, of: (i: number) => number): number[] =>
    rows.flatMap((row) => Array.from({ length: size }, (_, i) => of(row * size + i)));
  const x = tensor(Float32Array.from(pick(width, outputs)), [rows.length, ...output], { requiresGrad: true });
  const wanted =
    definition.targets === "index"
      ? tensor(
          Int32Array.from(rows, (row) => row % 3),
          [rows.length],
        )
      : tensor(Float32Array.from(pick(targets, target)), [rows.length, targets]);
  const module: Module = definition.create(definition.args.parse(args));
  const given: Tensor[] = weights ? [tensor(Float32Array.from(weights), [rows.length])] : [];
  const loss = module.forward(x, wanted, ...given);
  loss.backward();
  return { loss: loss.item(), gradient: Array.from(x.grad?.data() ?? []), width };
}

const CASES: readonly (readonly [type: string, args: Record<string, unknown>])[] = [
  ...Array.from(losses.keys(), (type) => [type, {}] as const),
  ...Array.from(losses.keys(), (type) => [type, { reduction: "sum" }] as const),
  ["KLDivLoss", { reduction: "batchmean" }],
  ["CrossEntropyLoss", { weight: [0.5, 2, 1], label_smoothing: 0.2 }],
  ["CrossEntropyLoss", { ignore_index: 2 }],
  ["NLLLoss", { weight: [0.5, 2, 1] }],
];

describe("a sample of weight n counts as n samples", () => {
  test.each(CASES)("%s %j", (type, args) => {
    const weighted = lossOf(type, args, [0, 1, 2, 3], WEIGHTS);
    const repeated = lossOf(type, args, REPEATED);
    expect(weighted.loss).toBeCloseTo(repeated.loss, 5);
    // What repeated rows get together is what the one row gets.
    const together = new Array<number>(4 * weighted.width).fill(0);
    repeated.gradient.forEach((g, i) => {
      const at = (REPEATED[Math.floor(i / weighted.width)] ?? 0) * weighted.width + (i % weighted.width);
      together[at] = (together[at] ?? 0) + g;
    });
    weighted.gradient.forEach((g, i) => {
      expect(g, `gradient ${i}`).toBeCloseTo(together[i] ?? Number.NaN, 5);
    });
  });

  test.each([...losses.keys()])("a batch of %s in which nothing counts has loss 0 and moves nothing", (type) => {
    const { loss, gradient } = lossOf(type, {}, [0, 1], [0, 0]);
    expect(Math.abs(loss)).toBe(0);
    expect(gradient.every((g) => g === 0)).toBe(true);
  });
});

test("without reduction each loss is times its weight", () => {
  const loss = new MSELoss({ reduction: "none" });
  const losses = loss.forward(
    tensor([
      [1, 2],
      [3, 4],
    ]),
    zeros([2, 2]),
    tensor([0.5, 2]),
  );
  expect(losses.toList()).toEqual([
    [0.5, 2],
    [18, 32],
  ]);
});

test("weights of another number of samples are refused", () => {
  expect(() => new MSELoss().forward(zeros([2, 2]), zeros([2, 2]), ones([3]))).toThrow(
    "Weights of samples [3] must be one for each of the losses [2, 2].",
  );
});
