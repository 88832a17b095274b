/** Rows of a table by index, with torch.nn.functional.embedding's special cases. */
import type { Tensor } from "../tensor.ts";
import { eq, mul, reciprocal, toFloat, where } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { emit, empty, record } from "./op.ts";

export interface EmbeddingOptions {
  /** A row that gets no gradient. */
  readonly padding?: number | null;
  /** Divide the gradient of a row by how often it was looked up. */
  readonly byFrequency?: boolean;
}

/** table[index]: (rows, width) and an int32 index (*) give (*, width). An index outside of the table gives NaN. */
export function embedding(table: Tensor, index: Tensor, options: EmbeddingOptions = {}): Tensor {
  const [tableRows = 0, width = 0] = table.shape;
  const y = emit("embedding", [...index.shape, width], [table, index], [index.size, width, tableRows]);
  return record("embedding", y, [table], (g) => [() => embeddingBackward(g, index, tableRows, options)]);
}

/** The rows of g added up where index says; linear in g, so its own gradient looks rows up again. */
function embeddingBackward(g: Tensor, index: Tensor, tableRows: number, options: EmbeddingOptions): Tensor {
  const width = g.shape.at(-1) ?? 0;
  const { padding, byFrequency = false } = options;
  const out = empty(g.device, [tableRows, width]);
  const counts = empty(g.device, [tableRows], "int32");
  const buffers = [out, counts, g, index].map(({ storage }) => storage.buffer);
  g.device.run("embeddingBackward", buffers, [index.size, width, tableRows, padding ?? -1, Number(byFrequency)]);
  return record("embeddingBackward", out, [g], (gg) => [
    () => {
      let d = embedding(gg, index);
      if (byFrequency) d = mul(d, embedding(reshape(reciprocal(toFloat(counts)), [tableRows, 1]), index));
      if (padding == null) return d;
      return where(eq(reshape(toFloat(index), [...index.shape, 1]), padding), 0, d);
    },
  ]);
}

/** Scales down, in place and outside of autograd, the rows that index names whose norm is above `maxNorm`. */
export function renormRows(table: Tensor, index: Tensor, maxNorm: number, normType: number): void {
  const [tableRows = 0, width = 0] = table.shape;
  const params = [index.size, width, tableRows, maxNorm, normType];
  table.device.run("renormRows", [table.storage.buffer, index.storage.buffer], params);
}
