/** Embeddings in plain JavaScript; see reference.ts. */
import type { Reference } from "./reference.ts";

const inside = (at: number, rows: number) => at >= 0 && at < rows;

export const embeddingReferences = {
  embedding: ({ out, table, index }, { rows, width, tableRows }) => {
    for (let i = 0; i < rows! * width!; i++) {
      const at = index![Math.floor(i / width!)]!;
      out![i] = inside(at, tableRows!) ? table![at * width! + (i % width!)]! : Number.NaN;
    }
  },
  embeddingBackward: ({ out, counts, g, index }, { rows, width, tableRows, padding, byFrequency }) => {
    out!.fill(0, 0, tableRows! * width!);
    counts!.fill(0, 0, tableRows!);
    for (let r = 0; r < rows!; r++) {
      const at = index![r]!;
      if (!inside(at, tableRows!) || at === padding!) continue;
      counts![at]! += 1;
      for (let i = 0; i < width!; i++) out![at * width! + i]! += g![r * width! + i]!;
    }
    if (!byFrequency!) return;
    for (let i = 0; i < tableRows! * width!; i++) out![i]! /= Math.max(1, counts![Math.floor(i / width!)]!);
  },
  renormRows: ({ table, index }, { rows, width, tableRows, maxNorm, normType }) => {
    for (let r = 0; r < rows!; r++) {
      const at = index![r]!;
      if (!inside(at, tableRows!)) continue;
      const row = Array.from({ length: width! }, (_, i) => Math.abs(table![at * width! + i]!));
      const norm =
        normType === Number.POSITIVE_INFINITY
          ? Math.max(0, ...row)
          : row.reduce((sum, v) => sum + v ** normType!, 0) ** (1 / normType!);
      if (norm <= maxNorm!) continue;
      for (let i = 0; i < width!; i++) table![at * width! + i]! *= maxNorm! / (norm + 1e-7);
    }
  },
} satisfies Record<string, Reference>;
