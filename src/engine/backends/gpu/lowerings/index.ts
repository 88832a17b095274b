/** Every instruction as passes of gpu.js kernels, by its name. */
import type { Lowerings } from "../lowering.ts";
import { convolutions } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { embeddings } from "./embedding.ts";
import { matmuls } from "./matmul.ts";
import { movements } from "./movement.ts";
import { normalizations } from "./normalization.ts";
import { optimizers } from "./optimizers.ts";
import { poolings } from "./pooling.ts";
import { randoms } from "./random.ts";
import { recurrents } from "./recurrent.ts";
import { reductions } from "./reduce.ts";
import { rowInstructions } from "./rows.ts";
import { softmaxes } from "./softmax.ts";
import { trainings } from "./training.ts";

export const lowerings: Lowerings = {
  ...elementwise,
  ...movements,
  ...reductions,
  ...softmaxes,
  ...matmuls,
  ...rowInstructions,
  ...randoms,
  ...trainings,
  ...optimizers,
  ...normalizations,
  ...convolutions,
  ...poolings,
  ...embeddings,
  ...recurrents,
};
