/** Every instruction as passes of gpu.js kernels, by its name. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower } from "../lowering.ts";
import { elementwise } from "./elementwise.ts";
import { matmuls } from "./matmul.ts";
import { reductions } from "./reduce.ts";
import { softmaxes } from "./softmax.ts";

export const lowerings: Readonly<Partial<Record<InstructionName, Lower>>> = {
  ...elementwise,
  ...reductions,
  ...softmaxes,
  ...matmuls,
};
