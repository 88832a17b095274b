/** The largest of windows: first where it is, then what it is. */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Pass } from "../lowering.ts";
import { cells, lowering, operand, pass, position } from "./kernel-source.ts";

const [OUT, INDEX, X] = [operand(0), operand(1), operand(2)];

/** How a window lies in one direction: `count` places that begin at `start`, `step` apart; only those below `end` count. */
interface Windows {
  readonly start: string;
  readonly end: string;
  readonly count: number;
  readonly step: number;
}

interface Planes {
  readonly planes: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** A NaN counts as the largest, and the last of them beats the others. */
function pool(p: Planes, rows: (i: string) => Windows, columns: (j: string) => Windows): Pass[] {
  const { output, head, index } = cells([p.planes, p.outHeight, p.outWidth]);
  const [plane = "0", i = "0", j = "0"] = index;
  const [y, x] = [rows(i), columns(j)];
  const size = p.height * p.width;
  const inside = (at: string, end: string, text: string) => `if (${at} >= 0) { if (${at} < ${end}) {\n${text}} }\n`;
  const look = `const v = x[${position([plane, "row", "column"], [size, p.width, 1])}];
    if (at < 0) { at = row * ${p.width} + column; }
    if (v > best) { best = v; at = row * ${p.width} + column; }
    if (isNotANumber(v) > 0) { best = v; at = row * ${p.width} + column; }
  `;
  const find = `${head}const top = ${y.start};
    const bottom = ${y.end};
    const left = ${x.start};
    const right = ${x.end};
    let best = 0 - infinity();
    let at = 0 - 1;
    for (let ky = 0; ky < ${y.count}; ky++) {
      const row = top + ky * ${y.step};
      ${inside(
        "row",
        "bottom",
        `for (let kx = 0; kx < ${x.count}; kx++) {
          const column = left + kx * ${x.step};
          ${inside("column", "right", look)}}
        `,
      )}}
    return at;`;
  const cell = position(index, [p.outHeight * p.outWidth, p.outWidth, 1]);
  const take = `${head}return x[${position([plane, `index[${cell}]`], [size, 1])}];`;
  return [
    pass({ output, reads: { x: X }, writes: INDEX, body: find }),
    pass({ output, reads: { x: X, index: INDEX }, writes: OUT, body: take }),
  ];
}

const planes = ["planes", "height", "width", "outHeight", "outWidth"] as const;
const isEmpty = (p: Planes): boolean => p.planes * p.outHeight * p.outWidth === 0;

/** Window i of `count` over `size` places: from ⌊i·size/count⌋ to before ⌈(i + 1)·size/count⌉. */
function share(i: string, size: number, count: number): Windows {
  const lengths = Array.from(
    { length: count },
    (_, k) => Math.ceil(((k + 1) * size) / count) - Math.floor((k * size) / count),
  );
  return {
    start: `quotient(${i} * ${size}, ${count})`,
    end: `quotient((${i} + 1) * ${size} + ${count - 1}, ${count})`,
    count: lengths.reduce((most, length) => Math.max(most, length), 0),
    step: 1,
  };
}

export const poolings = {
  maxPool: lowering(
    [...planes, "kernelHeight", "kernelWidth", "strideY", "strideX", "dilationY", "dilationX", "padTop", "padLeft"],
    (p) =>
      isEmpty(p)
        ? []
        : pool(
            p,
            (i) => ({
              ...{ start: `${i} * ${p.strideY} - ${p.padTop}`, end: `${p.height}` },
              ...{ count: p.kernelHeight, step: p.dilationY },
            }),
            (j) => ({
              ...{ start: `${j} * ${p.strideX} - ${p.padLeft}`, end: `${p.width}` },
              ...{ count: p.kernelWidth, step: p.dilationX },
            }),
          ),
  ),
  adaptiveMaxPool: lowering(planes, (p) =>
    isEmpty(p)
      ? []
      : pool(
          p,
          (i) => share(i, p.height, p.outHeight),
          (j) => share(j, p.width, p.outWidth),
        ),
  ),
} satisfies Partial<Record<InstructionName, Lower>>;
