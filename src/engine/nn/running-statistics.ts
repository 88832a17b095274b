/** Running mean and variance, as batch and instance normalisation keep them, and the parameters that go with them. */
import type { Moments } from "../ops/index.ts";
import { rsqrt } from "../ops/index.ts";
import type { Initializer } from "../random.ts";
import type { Tensor } from "../tensor.ts";
import { Module } from "./module.ts";
import { Buffer, Parameter, type ParameterSpec } from "./parameter.ts";

const constant = (value: number): Initializer => ({ distribution: "constant", value });

/** Weights start as 1, biases as 0: nothing is scaled or shifted. */
export const affineSpecs = (
  shape: readonly number[],
  weight: boolean,
  bias: boolean,
): Record<string, ParameterSpec> => ({
  ...(weight && { weight: { shape, init: constant(1) } }),
  ...(bias && { bias: { shape, init: constant(0) } }),
});

export const runningSpecs = (
  features: number,
): Record<"running_mean" | "running_var" | "num_batches_tracked", ParameterSpec> => ({
  running_mean: { shape: [features], init: constant(0) },
  running_var: { shape: [features], init: constant(1) },
  num_batches_tracked: { shape: [], init: constant(0) },
});

export const parameterOf = (spec: ParameterSpec | undefined): Parameter | null => (spec ? new Parameter(spec) : null);

/** What batch and instance normalisation have in common: their constructor, their weights and their statistics. */
export abstract class RunningNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly running_mean: Buffer | null = null;
  readonly running_var: Buffer | null = null;
  /** PyTorch's is an int64; a float32 counts as far as 16 million batches, from where `momentum: null` changes nothing. */
  readonly num_batches_tracked: Buffer | null = null;
  protected readonly features: number;
  protected readonly eps: number;
  protected readonly momentum: number | null;

  constructor(
    numFeatures: number,
    eps: number,
    momentum: number | null,
    affine: boolean,
    trackRunningStats: boolean,
    bias: boolean,
  ) {
    super();
    const specs = affineSpecs([numFeatures], affine, affine && bias);
    this.weight = parameterOf(specs["weight"]);
    this.bias = parameterOf(specs["bias"]);
    this.features = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    if (!trackRunningStats) return;
    const running = runningSpecs(numFeatures);
    this.running_mean = new Buffer(running.running_mean);
    this.running_var = new Buffer(running.running_var);
    this.num_batches_tracked = new Buffer(running.num_batches_tracked);
  }

  /** What replaces the batch's own moments outside training; null where those are used. */
  protected runningMoments(): Pick<Moments, "mean" | "rstd"> | null {
    if (this.training || !this.running_mean || !this.running_var) return null;
    return { mean: this.running_mean.detach(), rstd: rsqrt(this.running_var.detach().add(this.eps)) };
  }

  /**
   * In training, moves the statistics toward the moments of a batch, averaged over `rows` of them, the variance unbiased
   * as of `count` values. By an instruction, so that a recorded step does it at every replay.
   */
  protected track(
    { mean, variance }: Moments,
    { rows, count, momentum, counted }: { rows: number; count: number; momentum: number; counted: boolean },
  ): void {
    const { running_mean, running_var, num_batches_tracked } = this;
    if (!this.training || !running_mean || !running_var || !num_batches_tracked) return;
    const parts: readonly Tensor[] = [running_mean, running_var, num_batches_tracked, mean, variance];
    const channels = count === 0 ? 0 : running_mean.size;
    const correction = count > 1 ? count / (count - 1) : 1;
    running_mean.device.run(
      "trackMoments",
      parts.map(({ storage }) => storage.buffer),
      [rows, channels, Number(counted), momentum, correction],
    );
  }
}
