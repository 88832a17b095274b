/** Copies between arrays that lie differently in memory. */
import { type InstructionName, MAX_RANK } from "../../../instructions.ts";
import type { Lower } from "../lowering.ts";
import { cells, contiguous, lowering, operand, pass, position, product, whole } from "./kernel-source.ts";

const [OUT, X] = [operand(0), operand(1)];
const LARGEST_EXACT = 2 ** 24;

const names = (prefix: string): string[] => Array.from({ length: MAX_RANK }, (_, i) => `${prefix}${i}`);

/** An instruction over a slice: dims, strides and offset of the side that is not contiguous. */
const strided = (
  build: (dims: number[], strides: number[], offset: number, words: number) => ReturnType<typeof pass>,
): Lower =>
  lowering(["rank", "offset", ...names("d"), ...names("s")], (params, words) => {
    const of = (prefix: string) =>
      names(prefix)
        .map((name) => params[name] ?? 0)
        .slice(0, params["rank"]);
    return product(of("d")) === 0 ? [] : [build(of("d"), of("s"), params["offset"] ?? 0, words[0] ?? 0)];
  });

/**
 * Writes out whole: a thread finds out whether the slice has its word, dimension by dimension from the largest stride. Strides
 * of a slice nest, so what is left of the word's number after one dimension lies within the next.
 */
function assign(dims: number[], strides: number[], offset: number, words: number): ReturnType<typeof pass> {
  const order = dims.map((_, d) => d).filter((d) => dims[d] !== 1);
  order.sort((a, b) => (strides[b] ?? 0) - (strides[a] ?? 0));
  const extent = (ds: number[]) => ds.reduce((sum, d) => sum + ((dims[d] ?? 1) - 1) * (strides[d] ?? 0), 0);
  const end = offset + extent(order) + 1;
  const from = contiguous(dims);
  const keep = "return out[this.thread.x];";
  if (order.length < 2 && (strides[order[0] ?? 0] === 1 || order.length === 0)) {
    const at = `(this.thread.x - ${offset})`;
    const body = `if (this.thread.x < ${offset}) { ${keep} }\nreturn x[${at}];`;
    return pass({ output: [end], reads: { out: OUT, x: X }, writes: OUT, body });
  }
  if (end > LARGEST_EXACT) throw new RangeError(`assignStrided reaches word ${end} of ${words}; a GPU counts to 2^24.`);
  let body = `const at = this.thread.x - ${offset};\nif (at < 0) { ${keep} }\n`;
  let rest = "at";
  for (const d of order) {
    const stride = strides[d] ?? 0;
    const index = stride === 1 ? rest : `i${d}`;
    if (stride !== 1)
      body += `const i${d} = quotient(${rest}, ${stride});\nconst rest${d} = ${rest} - i${d} * ${stride};\n`;
    body += `if (${index} >= ${dims[d]}) { ${keep} }\n`;
    rest = stride === 1 ? "0" : `rest${d}`;
  }
  if (rest !== "0") body += `if (${rest} > 0) { ${keep} }\n`;
  const index = dims.map((_, d) => (dims[d] === 1 ? "0" : strides[d] === 1 ? lastRest(order, d) : `i${d}`));
  return pass({
    output: [end],
    reads: { out: OUT, x: X },
    writes: OUT,
    body: `${body}return x[${position(index, from)}];`,
  });
}

/** What is left before dimension d: the remainder of the one before it. */
function lastRest(order: readonly number[], d: number): string {
  const before = order[order.indexOf(d) - 1];
  return before === undefined ? "at" : `rest${before}`;
}

export const movements = {
  copyStrided: strided((dims, strides, offset) => {
    const { output, head, index } = cells(dims);
    return pass({
      output,
      reads: { x: X },
      writes: OUT,
      body: `${head}return x[${position(index, strides, offset)}];`,
    });
  }),
  assignStrided: strided(assign),
  storeAt: lowering(["n"], ({ n }, [words = 0]) =>
    n === 0
      ? []
      : [
          pass({
            output: [words],
            reads: { out: OUT, x: X, at: operand(2) },
            writes: OUT,
            body: `if (this.thread.x < ${whole("at[0]")}) { return out[this.thread.x]; }
              if (this.thread.x >= ${whole("at[0]")} + ${n}) { return out[this.thread.x]; }
              return x[this.thread.x - ${whole("at[0]")}];`,
          }),
        ],
  ),
} satisfies Partial<Record<InstructionName, Lower>>;
