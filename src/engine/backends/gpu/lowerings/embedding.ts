/** Embeddings, and products with a sparse matrix. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower } from "../lowering.ts";
import { cells, literal, lowering, operand, pass, position, sumLoop, temporary, whole } from "./kernel-source.ts";
import { chainSum, chains, eachOf, inRow } from "./rows.ts";

const sizes = ["rows", "width", "tableRows"] as const;

/** Σ |table[row, i]|ᵖ to the power of 1/p, or the largest, as statements that define `norm`. */
function normOf(width: number, type: number): string {
  const value = (i: string) => `Math.abs(${inRow("table", "this.thread.x", width, i)})`;
  if (type === Number.POSITIVE_INFINITY) {
    return `let norm = 0;\nfor (let i = 0; i < ${width}; i++) {\nconst v = ${value("i")};\nif (v > norm) { norm = v; }\n}\n`;
  }
  if (type === 1) return `${sumLoop(width, value)}const norm = sum;\n`;
  if (type === 2) return `${sumLoop(width, (i) => `${value(i)} * ${value(i)}`)}const norm = Math.sqrt(sum);\n`;
  return `${sumLoop(width, (i) => `power(${value(i)}, ${literal(type)})`)}const norm = power(sum, ${literal(1 / type)});\n`;
}

export const embeddings = {
  embedding: lowering(sizes, ({ rows, width, tableRows }) =>
    eachOf(
      rows,
      width,
      { table: operand(1), index: operand(2) },
      (r, c) => `const at = index[${whole(r)}];
        if (at < 0) { return nan(); }
        if (at >= ${tableRows}) { return nan(); }
        return ${inRow("table", "at", width, c)};`,
    ),
  ),
  embeddingBackward: lowering(
    [...sizes, "padding", "byFrequency"],
    ({ rows, width, tableRows, padding, byFrequency }) => {
      const [counts, g, index] = [operand(1), operand(2), operand(3)];
      const none = pass({ output: [tableRows], writes: counts, body: "return 0;" });
      if (rows === 0) return [none, ...eachOf(tableRows, width, {}, () => "return 0;")];
      const { temporaries, passes } = chains(rows, tableRows, index);
      const chain = { first: temporary(0), next: temporary(1) };
      const skip = (row: string) => (padding < 0 ? "" : `if (${row} === ${padding}) { return 0; }\n`);
      const share = byFrequency ? (row: string) => `sum / (counts[${row}] > 1 ? counts[${row}] : 1)` : () => "sum";
      const count = pass({
        output: [tableRows],
        reads: chain,
        writes: counts,
        body: `${skip("this.thread.x")}${chainSum(rows, "this.thread.x", () => "1")}return sum;`,
      });
      const reads = { g, ...chain, ...(byFrequency ? { counts } : {}) };
      const sum = eachOf(
        tableRows,
        width,
        reads,
        (row, c) =>
          `${skip(row)}${chainSum(rows, whole(row), (r) => inRow("g", r, width, c))}return ${share(whole(row))};`,
      );
      return { temporaries, passes: [...passes, count, ...sum] };
    },
  ),
  renormRows: lowering([...sizes, "maxNorm", "normType"], ({ rows, width, tableRows, maxNorm, normType }) => {
    if (rows * width === 0) return [];
    const [table, index, factor] = [operand(0), operand(1), temporary(0)];
    const { output, head, index: at } = cells([tableRows, width]);
    const own = position(at, [width, 1]);
    return {
      temporaries: [tableRows],
      passes: [
        pass({
          output: [tableRows],
          reads: { table, index },
          writes: factor,
          body: `let used = 0;
              for (let r = 0; r < ${rows}; r++) { if (index[r] === this.thread.x) { used = 1; } }
              if (used === 0) { return 1; }
              ${normOf(width, normType)}return norm > ${literal(maxNorm)} ? ${literal(maxNorm)} / (norm + 1e-7) : 1;`,
        }),
        pass({
          output,
          reads: { table, factor },
          writes: table,
          body: `${head}return table[${own}] * factor[${at[0]}];`,
        }),
      ],
    };
  }),
  sparseProduct: lowering(["outer", "length", "rows", "inner"], ({ outer, length, rows, inner }, words) => {
    if (outer * rows * inner === 0) return [];
    const terms = words[4] ?? 0;
    const { output, head, index } = cells([outer, rows, inner]);
    const [o = "0", r = "0", i = "0"] = index;
    const column = `column[${whole("t")}]`;
    const body = `${head}const end = start[${whole(r)} + 1];
      let t = start[${whole(r)}];
      let sum = 0;
      for (let k = 0; k < ${terms}; k++) {
        if (t >= end) { break; }
        sum += weight[${whole("t")}] * x[${position([o, column, i], [length * inner, inner, 1])}];
        t += 1;
      }
      return sum;`;
    if (terms === 0) return [pass({ output, writes: operand(0), body: "return 0;" })];
    const reads = { x: operand(1), start: operand(2), column: operand(3), weight: operand(4) };
    return [pass({ output, reads, writes: operand(0), body })];
  }),
} satisfies Partial<Record<InstructionName, Lower>>;
