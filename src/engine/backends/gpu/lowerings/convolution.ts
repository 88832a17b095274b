/**
 * Convolution, straight from its definition: a thread for each output (four in a row where the width allows), and loops
 * over what it meets; on WebGPU in tiles where it is large. The gradient of the weight is summed image by image, as few
 * threads would have to sum much.
 */
import type { InstructionName } from "../../../instructions.ts";
import type { HandWritten, Lower, Operand } from "../lowering.ts";
import { tiledConvolution, tiledConvolutionInput, tiledConvolutionWeight } from "../tiled-convolution.ts";
import { cells, lowering, operand, pass, product, rowStart, temporary } from "./kernel-source.ts";
import { SUM, stages } from "./stages.ts";

const names = [
  ...(["batch", "groups", "channels", "height", "width", "features", "outHeight", "outWidth"] as const),
  ...(["kernelHeight", "kernelWidth", "strideY", "strideX", "dilationY", "dilationX", "padTop", "padLeft"] as const),
] as const;
type Geometry = Readonly<Record<(typeof names)[number], number>>;

const [OUT, FIRST, SECOND] = [operand(0), operand(1), operand(2)];

const weights = (p: Geometry): number => (p.features * p.channels * p.kernelHeight * p.kernelWidth) / p.groups;

const handWritten = (wgsl: HandWritten | undefined) => (wgsl ? { wgsl } : {});

/** Whether an output can meet a place beyond x's edge. */
const leavesRows = (p: Geometry): boolean =>
  p.padTop > 0 || (p.outHeight - 1) * p.strideY + (p.kernelHeight - 1) * p.dilationY - p.padTop >= p.height;
const leavesColumns = (p: Geometry): boolean =>
  p.padLeft > 0 || (p.outWidth - 1) * p.strideX + (p.kernelWidth - 1) * p.dilationX - p.padLeft >= p.width;

/** `text` where `at` is within 0…size − 1, if that can be otherwise. */
const within = (needed: boolean, at: string, size: number, text: string): string =>
  needed ? `if (${at} >= 0) { if (${at} < ${size}) {\n${text}} }\n` : text;

/** First channel of the group that a feature belongs to. */
const groupStart = (feature: string, of: number, groups: number, to: number): string =>
  groups === 1 ? "0" : `quotient(${feature}, ${of / groups}) * ${to / groups}`;

function convolution(p: Geometry, bias?: Operand) {
  const channels = p.channels / p.groups;
  const lanes = p.outWidth % 4 === 0 ? [0, 1, 2, 3] : [0];
  const { output, head, index } = cells([p.batch, p.features, p.outHeight, p.outWidth / lanes.length]);
  const [n = "0", f = "0", i = "0", j = "0"] = index;
  const [checkY, checkX] = [leavesRows(p), leavesColumns(p)];
  const each = (text: (lane: number) => string) => lanes.map((lane) => text(lane)).join("");
  const image = p.height * p.width;
  const xRow = rowStart(
    "xRow",
    p.batch * p.channels * image,
    [n, "first", "c", "y"],
    [p.channels * image, image, image, p.width],
  );
  const taps = p.kernelHeight * p.kernelWidth;
  const tapRow = rowStart("tapRow", weights(p), [f, "c", "ky"], [channels * taps, taps, p.kernelWidth]);
  const column = (lane: number) => {
    const steps = lanes.length === 1 ? "left" : `left + ${lane * p.strideX}`;
    return `const column${lane} = ${steps} + kx * ${p.dilationX};\n`;
  };
  const add = (lane: number) =>
    column(lane) + within(checkX, `column${lane}`, p.width, `part${lane} += w * x[${xRow.at(`column${lane}`)}];\n`);
  const row = `${xRow.head}${tapRow.head}for (let kx = 0; kx < ${p.kernelWidth}; kx++) {
    const w = weight[${tapRow.at("kx")}];
    ${each(add)}}
  `;
  const results = lanes.map((lane) => `sum${lane}${bias ? ` + bias[${f}]` : ""}`);
  const body = `${head}const top = ${i} * ${p.strideY} - ${p.padTop};
    const left = ${j} * ${p.strideX * lanes.length} - ${p.padLeft};
    const first = ${groupStart(f, p.features, p.groups, p.channels)};
    ${each((lane) => `let sum${lane} = 0;\n`)}for (let c = 0; c < ${channels}; c++) {
      ${each((lane) => `let part${lane} = 0;\n`)}for (let ky = 0; ky < ${p.kernelHeight}; ky++) {
        const y = top + ky * ${p.dilationY};
        ${within(checkY, "y", p.height, row)}}
      ${each((lane) => `sum${lane} += part${lane};\n`)}}
    return ${lanes.length === 1 ? results[0] : `[${results.join(", ")}]`};`;
  return pass({
    output,
    ...(lanes.length === 1 ? {} : { components: 4 as const }),
    reads: { x: FIRST, weight: SECOND, ...(bias ? { bias } : {}) },
    writes: OUT,
    ...handWritten(tiledConvolution(p, bias !== undefined)),
    body,
  });
}

/** `name` = value / stride, where that is whole and below `size`; else nothing is done. */
function undoStride(name: string, value: string, stride: number, size: number, then: string): string {
  if (stride === 1) return `const ${name} = ${value};\n${within(true, name, size, then)}`;
  return `const ${name}Full = ${value};
    if (${name}Full >= 0) {
      const ${name} = quotient(${name}Full, ${stride});
      if (${name} * ${stride} === ${name}Full) { if (${name} < ${size}) {
        ${then}} }
    }
    `;
}

function convolutionInput(p: Geometry) {
  const [channels, features] = [p.channels / p.groups, p.features / p.groups];
  const { output, head, index } = cells([p.batch, p.channels, p.height, p.width]);
  const [n = "0", c = "0", y = "0", x = "0"] = index;
  const plane = p.outHeight * p.outWidth;
  const gRow = rowStart(
    "gRow",
    p.batch * p.features * plane,
    [n, "feature", "i"],
    [p.features * plane, plane, p.outWidth],
  );
  const taps = p.kernelHeight * p.kernelWidth;
  const tapRow = rowStart("tapRow", weights(p), ["feature", "channel", "ky"], [channels * taps, taps, p.kernelWidth]);
  const add = `part += g[${gRow.at("j")}] * weight[${tapRow.at("kx")}];\n`;
  const columns = `${gRow.head}${tapRow.head}for (let kx = 0; kx < ${p.kernelWidth}; kx++) {
    ${undoStride("j", `${x} + ${p.padLeft} - kx * ${p.dilationX}`, p.strideX, p.outWidth, add)}}
  `;
  const body = `${head}const first = ${groupStart(c, p.channels, p.groups, p.features)};
    const channel = ${p.groups === 1 ? `${c} + 0` : `remainder(${c}, ${channels})`};
    let sum = 0;
    for (let f = 0; f < ${features}; f++) {
      const feature = first + f;
      let part = 0;
      for (let ky = 0; ky < ${p.kernelHeight}; ky++) {
        ${undoStride("i", `${y} + ${p.padTop} - ky * ${p.dilationY}`, p.strideY, p.outHeight, columns)}}
      sum += part;
    }
    return sum;`;
  const wgsl = handWritten(tiledConvolutionInput(p));
  return pass({ output, reads: { g: FIRST, weight: SECOND }, writes: OUT, ...wgsl, body });
}

/** Words of the images' own gradients that are kept before they are summed. */
const MOST_PARTIAL = 2 ** 22;

function convolutionWeight(p: Geometry) {
  const channels = p.channels / p.groups;
  const dims = [p.features, channels, p.kernelHeight, p.kernelWidth];
  const parts = Math.max(1, Math.min(p.batch, Math.floor(MOST_PARTIAL / product(dims))));
  const images = Math.ceil(p.batch / parts);
  const { output, head, index } = cells([parts, ...dims]);
  const [part = "0", f = "0", c = "0", ky = "0", kx = "0"] = index;
  const plane = p.outHeight * p.outWidth;
  const image = p.height * p.width;
  const gRow = rowStart("gRow", p.batch * p.features * plane, ["n", f, "i"], [p.features * plane, plane, p.outWidth]);
  const xRow = rowStart(
    "xRow",
    p.batch * p.channels * image,
    ["n", "first", c, "y"],
    [p.channels * image, image, image, p.width],
  );
  const columns = `${gRow.head}${xRow.head}for (let j = 0; j < ${p.outWidth}; j++) {
    const x = j * ${p.strideX} + left;
    ${within(leavesColumns(p), "x", p.width, `row += g[${gRow.at("j")}] * image[${xRow.at("x")}];\n`)}}
  `;
  const inBatch = images * parts > p.batch ? `if (n < ${p.batch}) {\n` : "";
  const body = `${head}const top = ${ky} * ${p.dilationY} - ${p.padTop};
    const left = ${kx} * ${p.dilationX} - ${p.padLeft};
    const first = ${groupStart(f, p.features, p.groups, p.channels)};
    let sum = 0;
    for (let k = 0; k < ${images}; k++) {
      const n = ${part} * ${images} + k;
      ${inBatch}for (let i = 0; i < ${p.outHeight}; i++) {
        const y = i * ${p.strideY} + top;
        let row = 0;
        ${within(leavesRows(p), "y", p.height, columns)}sum += row;
      }
      ${inBatch ? "}\n" : ""}}
    return sum;`;
  const to = parts === 1 ? OUT : temporary(0);
  const wgsl = handWritten(tiledConvolutionWeight(p, parts, images));
  const each = pass({ output, reads: { g: FIRST, image: SECOND }, writes: to, ...wgsl, body });
  if (parts === 1) return { passes: [each] };
  const { temporaries, passes } = stages({
    ...{ fold: SUM, over: { before: [], length: parts, after: [product(dims)] }, reads: { partial: temporary(0) } },
    ...{ term: (at: string) => `partial[${at}]`, writes: OUT, first: 1 },
  });
  return { temporaries: [parts * product(dims), ...temporaries], passes: [each, ...passes] };
}

export const convolutions = {
  convolution: lowering(names, (p) => (p.batch === 0 ? [] : [convolution(p)])),
  biasedConvolution: lowering(names, (p) => (p.batch === 0 ? [] : [convolution(p, operand(3))])),
  convolutionInput: lowering(names, (p) => (p.batch === 0 ? [] : [convolutionInput(p)])),
  convolutionWeight: lowering(names, (p) =>
    p.batch === 0 ? [pass({ output: [weights(p)], writes: OUT, body: "return 0;" })] : convolutionWeight(p),
  ),
} satisfies Partial<Record<InstructionName, Lower>>;
