/** Losses with arguments that PyTorch and this library take and a job's spec refuses. */
import { z } from "zod";
import {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  L1Loss,
  type Module,
  MSELoss,
  NLLLoss,
} from "../../../src/engine/index.ts";

/** PyTorch's weight may be a single number; one number in a list broadcasts alike. */
const weight = z.union([z.array(z.number()), z.number().transform((value) => [value])]);
const Options = z.strictObject({
  weight: weight.exactOptional(),
  pos_weight: weight.exactOptional(),
  ignore_index: z.number().exactOptional(),
  label_smoothing: z.number().exactOptional(),
  reduction: z.enum(["mean", "sum", "none"]).exactOptional(),
});

const classes: Readonly<Record<string, new (options: z.output<typeof Options>) => Module>> = {
  MSELoss,
  L1Loss,
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  NLLLoss,
};

/** One number per batch is what a job needs, and weights below 0 are a mistake there: PyTorch minds neither. */
export function isForLibraryAlone(args: Readonly<Record<string, unknown>>): boolean {
  const given = Options.parse(args);
  return given.reduction === "none" || typeof args["weight"] === "number" || (given.weight ?? []).some((w) => w < 0);
}

export function createLibraryLoss(type: string, args: Readonly<Record<string, unknown>>): Module {
  const made = classes[type];
  if (!made) throw new Error(`Add ${type} to the classes above: its cases go beyond what a spec takes.`);
  return new made(Options.parse(args));
}
