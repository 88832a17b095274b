/** What gradients.test.ts tries of embeddings; the index itself has no derivative. */
import { EmbeddingBag, ops, type Tensor, tensor } from "../../src/engine/index.ts";
import type { Case } from "./gradient-case.ts";

const index = (): Tensor => tensor(Int32Array.of(2, 0, 2, 1, 2, 0), [2, 3]);

/** A bag as a function of its table. */
const bag =
  (mode: "sum" | "mean" | "max", paddingIdx: number | null) =>
  (table: Tensor): Tensor => {
    const module = new EmbeddingBag(3, 2, null, 2, false, mode, paddingIdx);
    Object.defineProperty(module, "weight", { value: table });
    return module.forward(index());
  };

export const embeddingCases: Readonly<Record<string, Case[]>> = {
  embedding: [
    { f: (table) => ops.embedding(table, index()), shapes: [[3, 2]] },
    // The gradient leaves padding and frequency out of account, so the function compared does, too.
    {
      f: (table) => {
        const used = ops.where(tensor([[1], [1], [0]]), table, 0);
        return ops.embedding(used, index(), { padding: 2 });
      },
      shapes: [[3, 2]],
    },
    ...(["sum", "mean", "max"] as const).map((mode): Case => ({ f: bag(mode, null), shapes: [[3, 2]] })),
  ],
};
