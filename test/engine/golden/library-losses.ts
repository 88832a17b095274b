/** Losses as PyTorch's library takes them: arguments that a job's spec refuses, and losses of more than one output. */
import { z } from "zod";
import * as engine from "../../../src/engine/index.ts";

/** PyTorch's weight may be a single number; one number in a list broadcasts alike. */
const weight = z.union([z.array(z.number()), z.number().transform((value) => [value])]);
const Options = z.strictObject({
  weight: weight.exactOptional(),
  pos_weight: weight.exactOptional(),
  ignore_index: z.number().exactOptional(),
  label_smoothing: z.number().exactOptional(),
  reduction: z.enum(["mean", "sum", "none", "batchmean"]).exactOptional(),
  beta: z.number().exactOptional(),
  delta: z.number().exactOptional(),
  margin: z.number().exactOptional(),
  p: z.number().exactOptional(),
  eps: z.number().exactOptional(),
  swap: z.boolean().exactOptional(),
  full: z.boolean().exactOptional(),
  log_input: z.boolean().exactOptional(),
  log_target: z.boolean().exactOptional(),
  blank: z.number().exactOptional(),
  zero_infinity: z.boolean().exactOptional(),
});

type LossClass = new (options: never) => engine.Module;
const exported: Readonly<Record<string, unknown>> = engine;
const isLossClass = (value: unknown): value is LossClass => typeof value === "function" && /Loss$/.test(value.name);

/** A job's model has one output, so there these take it, and the targets, in a form of their own. */
const FORMED = ["GaussianNLLLoss", "CTCLoss"];

/** One number per batch is what a job needs, and weights below 0 are a mistake there: PyTorch minds neither. */
export function isForLibraryAlone(type: string, args: Readonly<Record<string, unknown>>): boolean {
  const given = Options.parse(args);
  return (
    FORMED.includes(type) ||
    given.reduction === "none" ||
    typeof args["weight"] === "number" ||
    (given.weight ?? []).some((w) => w < 0)
  );
}

export function createLibraryLoss(type: string, args: Readonly<Record<string, unknown>>): engine.Module {
  const made = exported[type];
  if (!isLossClass(made)) throw new Error(`The engine exports no loss ${type}.`);
  return Reflect.construct(made, [Options.parse(args)]);
}
