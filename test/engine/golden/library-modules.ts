/** PyTorch's constructor calls of modules that take more than a model's output, as this library's. */
import { z } from "zod";
import {
  Bilinear,
  CosineSimilarity,
  MaxUnpool1d,
  MaxUnpool2d,
  MaxUnpool3d,
  type Module,
  PairwiseDistance,
} from "../../../src/engine/index.ts";
import { type ModuleCase, namedArguments } from "./golden-cases.ts";

const Args = z.strictObject({
  in1_features: z.number().default(0),
  in2_features: z.number().default(0),
  out_features: z.number().default(0),
  bias: z.boolean().exactOptional(),
  dim: z.number().exactOptional(),
  eps: z.number().exactOptional(),
  p: z.number().exactOptional(),
  keepdim: z.boolean().exactOptional(),
  kernel_size: z.union([z.number(), z.array(z.number())]).default(0),
});
type Args = z.output<typeof Args>;

const makers: Readonly<Record<string, (args: Args) => Module>> = {
  Bilinear: (a) => new Bilinear(a.in1_features, a.in2_features, a.out_features, a.bias),
  CosineSimilarity: (a) => new CosineSimilarity(a.dim, a.eps),
  PairwiseDistance: (a) => new PairwiseDistance(a.p, a.eps, a.keepdim),
  MaxUnpool1d: (a) => new MaxUnpool1d(a.kernel_size),
  MaxUnpool2d: (a) => new MaxUnpool2d(a.kernel_size),
  MaxUnpool3d: (a) => new MaxUnpool3d(a.kernel_size),
};

export const LIBRARY_MODULES: readonly string[] = Object.keys(makers);

export function createLibraryModule(type: string, given: ModuleCase): Module | undefined {
  return makers[type]?.(Args.parse(namedArguments(given, ["in1_features", "in2_features", "out_features", "bias"])));
}
