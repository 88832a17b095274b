/** CTCLoss as a job has it: outputs (N, T, C), and each sample's labels in a row that −1 fills up. */
import { z } from "zod";
import { defineLoss, type Mistake } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import { eq, lt, permute, reshape, slice, sum } from "../ops/index.ts";
import { showShape } from "../shape.ts";
import { full, type Tensor } from "../tensor.ts";
import { CTCLoss, type CTCLossOptions } from "./connectionist.ts";
import { Constant } from "./constant.ts";
import { reductionArg } from "./reduction.ts";

class PaddedCTCLoss extends Module {
  readonly #loss: CTCLoss;
  readonly #lengthsGiven: boolean;
  #upTo: Constant | null = null;

  constructor(options: CTCLossOptions, lengthsGiven: boolean) {
    super();
    this.#loss = new CTCLoss(options);
    this.#lengthsGiven = lengthsGiven;
  }

  forward(output: Tensor, target: Tensor, weights?: Tensor): Tensor {
    const [batch = 0, steps = 0] = output.shape;
    const width = target.shape[1] ?? 0;
    const labels = this.#lengthsGiven ? slice(target, 1, 1, width) : target;
    const inputLengths = this.#lengthsGiven
      ? reshape(slice(target, 1, 0, 1), [batch])
      : full([batch], steps, { device: output.device });
    return this.#loss.forward(permute(output, [1, 0, 2]), labels, inputLengths, this.#lengths(labels), weights);
  }

  /** Labels before the first −1. */
  #lengths(labels: Tensor): Tensor {
    const most = labels.shape[1] ?? 0;
    const isLater = (i: number): number => (Math.floor(i / most) <= i % most ? 1 : 0);
    this.#upTo ??= new Constant(Array.from({ length: most ** 2 }, (_, i) => isLater(i)));
    const ended = lt(labels, 0).matmul(reshape(this.#upTo.on(labels), [most, most]));
    return sum(eq(ended, 0), 1);
  }
}

export const ctcLoss = defineLoss({
  type: "CTCLoss",
  summary:
    "Labels of a sequence without their places; outputs [steps, classes] are log-probabilities (end the model with LogSoftmax), each row of targets lists labels and is filled up with −1",
  args: z.strictObject({
    blank: z.int().min(0).default(0).describe("The class that stands for no label"),
    reduction: reductionArg.describe("Mean over samples of the loss by label, or sum over samples"),
    zero_infinity: z.boolean().default(false).describe("Count samples whose labels don't fit into the steps as 0"),
    input_lengths: z
      .boolean()
      .default(false)
      .describe("Each row of targets begins with the number of steps that count in its sample"),
  }),
  targets: "values",
  compares: false,
  check(args, output, target, range) {
    const [steps, classes] = output;
    if (output.length !== 2 || steps === undefined || classes === undefined) {
      return [{ message: `wants outputs of shape [steps, classes], but the last layer gives ${showShape(output)}` }];
    }
    const mistakes: Mistake[] = [];
    if (!range || range[1] > 0) {
      mistakes.push({
        message: "wants log-probabilities, which the last layer does not promise. End the model with LogSoftmax",
      });
    }
    if (args.blank >= classes) {
      mistakes.push({ field: "blank", message: `expects one of the classes 0 … ${classes - 1}, got ${args.blank}` });
    }
    const least = args.input_lengths ? 2 : 1;
    if (target.kind !== "values" || target.shape.length !== 1 || (target.shape[0] ?? 0) < least) {
      const row = args.input_lengths ? "a number of steps, then labels" : "labels";
      mistakes.push({
        message: `wants one row of targets for each sample (${row}, filled up with −1), got ${showShape(target.shape)}`,
      });
    }
    const most = args.input_lengths ? Math.max(classes - 1, steps) : classes - 1;
    if ((target.max ?? 0) > most || (target.min ?? 0) < -1) {
      mistakes.push({
        message: `wants labels 0 … ${classes - 1} and −1 as targets, but they reach from ${target.min} to ${target.max}`,
      });
    }
    return mistakes;
  },
  create: ({ input_lengths, ...options }) => new PaddedCTCLoss(options, input_lengths),
});
