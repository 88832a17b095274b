/** Copies between arrays that lie differently in memory. */
import { type InstructionName, MAX_RANK } from "../../../instructions.ts";
import type { Lower, Pass } from "../lowering.ts";
import { cells, contiguous, lowering, operand, pass, position, product, whole } from "./kernel-source.ts";

const [OUT, X] = [operand(0), operand(1)];
const LARGEST_EXACT = 2 ** 24;

const names = (prefix: string): string[] => Array.from({ length: MAX_RANK }, (_, i) => `${prefix}${i}`);

/** An instruction over a slice: dims, strides and offset of the side that is not contiguous. */
const strided = (build: (dims: number[], strides: number[], offset: number, words: number) => Pass): Lower =>
  lowering(["rank", "offset", ...names("d"), ...names("s")], (params, words) => {
    const of = (prefix: string) =>
      names(prefix)
        .map((name) => params[name] ?? 0)
        .slice(0, params["rank"]);
    return product(of("d")) === 0 ? [] : [build(of("d"), of("s"), params["offset"] ?? 0, words[0] ?? 0)];
  });

/**
 * Writes `out` up to the slice's end: a thread finds out whether the slice has its word, dimension by dimension from the
 * largest stride. Strides of a slice nest, so what is left of the word's number after one dimension lies within the next.
 */
function assign(dims: number[], strides: number[], offset: number, words: number): Pass {
  const order = dims.map((_, d) => d).filter((d) => dims[d] !== 1);
  order.sort((a, b) => strideOf(b) - strideOf(a));
  function strideOf(d: number): number {
    return strides[d] ?? 0;
  }
  const end = order.reduce((sum, d) => sum + ((dims[d] ?? 1) - 1) * strideOf(d), offset) + 1;
  const [outermost = -1, ...inner] = order;
  if (outermost < 0 || (inner.length === 0 && strideOf(outermost) === 1)) {
    const body = `if (this.thread.x < ${offset}) { return out[this.thread.x]; }\nreturn x[this.thread.x - ${offset}];`;
    return pass({ output: [end], reads: { out: OUT, x: X }, writes: OUT, body });
  }
  const width = strideOf(outermost);
  const [rows, left] = [Math.floor(offset / width), offset % width];
  const reach = inner.reduce((sum, d) => sum + ((dims[d] ?? 1) - 1) * strideOf(d), left);
  // A thread for each word of whole rows where there are such: their numbers stay small.
  const height = rows + (dims[outermost] ?? 1);
  const inRows = reach < width && width * height <= words && width >= 8;
  if (!inRows && end > LARGEST_EXACT) {
    throw new RangeError(
      `assignStrided reaches word ${end} of ${words} in no rows; such a slice is too large for a GPU.`,
    );
  }
  const own = inRows ? `this.thread.y * ${width} + this.thread.x` : "this.thread.x";
  const keep = `{ return out[${own}]; }`;
  const index = new Map<number, string>();
  let body = `const at = this.thread.x - ${inRows ? left : offset};\nif (at < 0) ${keep}\n`;
  let rest = "at";
  if (inRows) {
    body += `const row = this.thread.y - ${rows};\nif (row < 0) ${keep}\n`;
    index.set(outermost, "row");
  }
  for (const d of inRows ? inner : order) {
    const stride = strideOf(d);
    if (stride > 1) {
      body += `const i${d} = quotient(${rest}, ${stride});\nconst rest${d} = ${rest} - i${d} * ${stride};\n`;
    }
    index.set(d, stride > 1 ? `i${d}` : rest);
    body += `if (${index.get(d)} >= ${dims[d]}) ${keep}\n`;
    rest = stride > 1 ? `rest${d}` : "";
  }
  if (rest) body += `if (${rest} > 0) ${keep}\n`;
  const from = dims.map((_, d) => index.get(d) ?? "0");
  return pass({
    output: inRows ? [width, height] : [end],
    reads: { out: OUT, x: X },
    writes: OUT,
    body: `${body}return x[${position(from, contiguous(dims))}];`,
  });
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
