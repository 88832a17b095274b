/** Elements and rows by their numbers: gathering, and its inverse as sums that every place makes on its own. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Lowering, Operand, Pass } from "../lowering.ts";
import { cells, lowering, operand, pass, position, temporary, whole } from "./kernel-source.ts";

const [OUT, X, INDEX] = [operand(0), operand(1), operand(2)];

/** out[r, c] = `value`, given where r and c are. */
export function eachOf(
  rows: number,
  width: number,
  reads: Readonly<Record<string, Operand>>,
  value: (row: string, column: string) => string,
): Pass[] {
  if (rows * width === 0) return [];
  const { output, head, index } = cells([rows, width]);
  const [row = "0", column = "0"] = index;
  return [pass({ output, reads, writes: OUT, body: head + value(row, column) })];
}

/** Element `column` of a row whose number is a value. */
export const inRow = (array: string, row: string, width: number, column: string): string =>
  `${array}[${position([row, column], [width, 1])}]`;

/**
 * Rows that are to be added to the same one, as chains: into temporary 0 the first r for each of `targets` rows, into
 * temporary 1 the next r after each, −1 where there is none. `index` is read by the caller's name for it.
 */
export function chains(rows: number, targets: number, index: Operand): Required<Lowering> {
  const find = (from: string, start: string, length: number, to: Operand): Pass =>
    pass({
      output: [length],
      reads: { index },
      writes: to,
      body: `const wanted = ${from};
        for (let r = 0; r < ${rows}; r++) {
          if (index[r] === wanted) { if (r > ${start}) { return r; } }
        }
        return 0 - 1;`,
    });
  return {
    temporaries: [targets, rows],
    passes: [
      find("this.thread.x + 0", "0 - 1", targets, temporary(0)),
      find("index[this.thread.x]", "this.thread.x", rows, temporary(1)),
    ],
  };
}

/** Statements that add up `term(r)` over the chain of `target` into `sum`. */
export const chainSum = (rows: number, target: string, term: (r: string) => string): string =>
  `let sum = 0;
  let r = first[${target}];
  for (let k = 0; k < ${rows}; k++) {
    if (r < 0) { break; }
    sum += ${term("r")};
    r = next[${whole("r")}];
  }
`;

const table = ["rows", "cols", "ignore"] as const;
const along = ["rows", "cols", "count"] as const;

export const rowInstructions = {
  gatherRows: lowering(["rows", "width"], ({ rows, width }) =>
    eachOf(rows, width, { x: X, index: INDEX }, (r, c) => `return ${inRow("x", `index[${whole(r)}]`, width, c)};`),
  ),
  gatherBatch: lowering(["rows", "width"], ({ rows, width }) =>
    eachOf(
      rows,
      width,
      { x: X, order: INDEX, cursor: operand(3) },
      (r, c) => `return ${inRow("x", `order[${whole("cursor[0]")} + ${whole(r)}]`, width, c)};`,
    ),
  ),
  scatterAddRows: lowering(["rows", "width", "outRows"], ({ rows, width, outRows }) => {
    if (outRows * width === 0) return [];
    if (rows === 0) return eachOf(outRows, width, {}, () => "return 0;");
    const { temporaries, passes } = chains(rows, outRows, INDEX);
    const reads = { x: X, first: temporary(0), next: temporary(1) };
    const sum = eachOf(
      outRows,
      width,
      reads,
      (r, c) => `${chainSum(rows, r, (at) => inRow("x", at, width, c))}return sum;`,
    );
    return { temporaries, passes: [...passes, ...sum] };
  }),

  pick: lowering(table, ({ rows, cols, ignore }) =>
    eachOf(
      rows,
      1,
      { x: X, index: INDEX },
      (r) => `const c = index[${whole(r)}];
        if (c === ${ignore}) { return 0; }
        if (c < 0) { return nan(); }
        if (c >= ${cols}) { return nan(); }
        return ${inRow("x", r, cols, "c")};`,
    ),
  ),
  unpick: lowering(table, ({ rows, cols, ignore }) =>
    eachOf(
      rows,
      cols,
      { x: X, index: INDEX },
      (r, c) => `const at = index[${whole(r)}];
        if (at === ${ignore}) { return 0; }
        return at === ${c} ? x[${whole(r)}] : 0;`,
    ),
  ),

  gatherAlong: lowering(along, ({ rows, cols, count }) =>
    eachOf(
      rows,
      count,
      { x: X, index: INDEX },
      (r, i) => `const at = ${inRow("index", r, count, i)};
        if (at < 0) { return nan(); }
        if (at >= ${cols}) { return nan(); }
        return ${inRow("x", r, cols, "at")};`,
    ),
  ),
  scatterAlong: lowering(along, ({ rows, cols, count }) =>
    eachOf(rows, cols, count === 0 ? {} : { x: X, index: INDEX }, (r, c) =>
      count === 0
        ? "return 0;"
        : `let sum = 0;
            for (let i = 0; i < ${count}; i++) {
              if (${inRow("index", r, count, "i")} === ${c}) { sum += ${inRow("x", r, count, "i")}; }
            }
            return sum;`,
    ),
  ),
} satisfies Partial<Record<InstructionName, Lower>>;
