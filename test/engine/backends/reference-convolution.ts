/** Convolution, pooling and sparse products in plain JavaScript; see reference.ts. */
import type { Reference } from "./reference.ts";

type Params = Readonly<Record<string, number>>;

/** Calls `each` with every meeting of the three arrays: where in x, in the weight and in the result. */
function meet(p: Params, each: (x: number, weight: number, out: number) => void): void {
  const channels = p["channels"]! / p["groups"]!;
  const features = p["features"]! / p["groups"]!;
  for (let n = 0; n < p["batch"]!; n++)
    for (let f = 0; f < p["features"]!; f++)
      for (let i = 0; i < p["outHeight"]!; i++)
        for (let j = 0; j < p["outWidth"]!; j++)
          for (let c = 0; c < channels; c++)
            for (let ky = 0; ky < p["kernelHeight"]!; ky++)
              for (let kx = 0; kx < p["kernelWidth"]!; kx++) {
                const y = i * p["strideY"]! + ky * p["dilationY"]! - p["padTop"]!;
                const x = j * p["strideX"]! + kx * p["dilationX"]! - p["padLeft"]!;
                if (y < 0 || y >= p["height"]! || x < 0 || x >= p["width"]!) continue;
                const channel = n * p["channels"]! + Math.floor(f / features) * channels + c;
                each(
                  (channel * p["height"]! + y) * p["width"]! + x,
                  ((f * channels + c) * p["kernelHeight"]! + ky) * p["kernelWidth"]! + kx,
                  ((n * p["features"]! + f) * p["outHeight"]! + i) * p["outWidth"]! + j,
                );
              }
}

const volume = (p: Params, ...names: readonly string[]) => names.reduce((product, name) => product * p[name]!, 1);

const convolution: Reference = ({ out, x, weight, bias }, params) => {
  const plane = volume(params, "outHeight", "outWidth");
  const features = params["features"]!;
  for (let i = 0; i < volume(params, "batch") * features * plane; i++)
    out![i] = bias ? bias[Math.floor(i / plane) % features]! : 0;
  meet(params, (atX, atWeight, atOut) => {
    out![atOut]! += x![atX]! * weight![atWeight]!;
  });
};

/** The largest of some elements of a plane, in order; the last NaN beats everything. */
function largest(x: ArrayLike<number>, plane: number, elements: readonly number[]): [number, number] {
  let best = Number.NEGATIVE_INFINITY;
  let at = elements[0]!;
  for (const element of elements) {
    const value = x[plane + element]!;
    if (value > best || Number.isNaN(value)) [best, at] = [value, element];
  }
  return [best, at];
}

const range = (start: number, end: number, step = 1) =>
  Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step);

/** `window(i)` and `window(j)` give the rows and columns that an output looks at. */
function pool(
  { out, index, x }: Parameters<Reference>[0],
  p: Params,
  rows: (i: number) => number[],
  columns: (j: number) => number[],
): void {
  const [height, width, outHeight, outWidth] = [p["height"]!, p["width"]!, p["outHeight"]!, p["outWidth"]!];
  for (let n = 0; n < p["planes"]!; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++) {
        const elements = rows(i).flatMap((y) => columns(j).map((c) => y * width + c));
        const cell = (n * outHeight + i) * outWidth + j;
        [out![cell], index![cell]] = largest(x!, n * height * width, elements);
      }
}

export const convolutionReferences = {
  convolution,
  biasedConvolution: convolution,
  convolutionInput: ({ out, g, weight }, params) => {
    out!.fill(0, 0, volume(params, "batch", "channels", "height", "width"));
    meet(params, (atX, atWeight, atOut) => {
      out![atX]! += g![atOut]! * weight![atWeight]!;
    });
  },
  convolutionWeight: ({ out, g, x }, params) => {
    out!.fill(0, 0, volume(params, "features", "channels", "kernelHeight", "kernelWidth") / params["groups"]!);
    meet(params, (atX, atWeight, atOut) => {
      out![atWeight]! += g![atOut]! * x![atX]!;
    });
  },
  maxPool: (arrays, p) => {
    const window = (start: number, kernel: number, dilation: number, size: number) =>
      range(start, start + kernel * dilation, dilation).filter((i) => i >= 0 && i < size);
    pool(
      arrays,
      p,
      (i) => window(i * p["strideY"]! - p["padTop"]!, p["kernelHeight"]!, p["dilationY"]!, p["height"]!),
      (j) => window(j * p["strideX"]! - p["padLeft"]!, p["kernelWidth"]!, p["dilationX"]!, p["width"]!),
    );
  },
  adaptiveMaxPool: (arrays, p) => {
    const share = (i: number, size: number, count: number) =>
      range(Math.floor((i * size) / count), Math.ceil(((i + 1) * size) / count));
    pool(
      arrays,
      p,
      (i) => share(i, p["height"]!, p["outHeight"]!),
      (j) => share(j, p["width"]!, p["outWidth"]!),
    );
  },
  gatherAlong: ({ out, x, index }, { rows, cols, count }) => {
    for (let i = 0; i < rows! * count!; i++) out![i] = x![Math.floor(i / count!) * cols! + index![i]!]!;
  },
  scatterAlong: ({ out, x, index }, { rows, cols, count }) => {
    out!.fill(0, 0, rows! * cols!);
    for (let i = 0; i < rows! * count!; i++) out![Math.floor(i / count!) * cols! + index![i]!]! += x![i]!;
  },
  sparseProduct: ({ out, x, start, column, weight }, { outer, length, rows, inner }) => {
    for (let o = 0; o < outer!; o++)
      for (let r = 0; r < rows!; r++)
        for (let i = 0; i < inner!; i++) {
          let sum = 0;
          for (let t = start![r]!; t < start![r + 1]!; t++)
            sum += weight![t]! * x![(o * length! + column![t]!) * inner! + i]!;
          out![(o * rows! + r) * inner! + i] = sum;
        }
  },
} satisfies Readonly<Record<string, Reference>>;
