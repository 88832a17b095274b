/**
 * Convolution and its gradients as products in tiles, whose factors are looked up where they lie in x (or the result's
 * gradient) instead of being copied into a matrix first. Each group of channels is a product of its own.
 */
import type { HandWritten } from "./lowering.ts";
import { tiled } from "./tiles.ts";

export interface ConvolutionShape {
  readonly batch: number;
  readonly groups: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly features: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  readonly padTop: number;
  readonly padLeft: number;
}

const A = "fn a_at(batch : u32, row : u32, deep : u32) -> f32";
const B = "fn b_at(batch : u32, column : u32, deep : u32) -> f32";

/** x's value of a channel (of all images' channels) under a tap of the kernel, for an output pixel; 0 beyond its edges. */
const patch = (p: ConvolutionShape): string => `
fn patch_at(channel : u32, tap : u32, pixel : u32) -> f32 {
let y = i32(pixel / ${p.outWidth}u * ${p.strideY}u + tap / ${p.kernelWidth}u * ${p.dilationY}u) - ${p.padTop};
let x = i32(pixel % ${p.outWidth}u * ${p.strideX}u + tap % ${p.kernelWidth}u * ${p.dilationX}u) - ${p.padLeft};
if (y < 0 || y >= ${p.height} || x < 0 || x >= ${p.width}) { return 0.0; }
return image[(channel * ${p.height}u + u32(y)) * ${p.width}u + u32(x)];
}`;

interface Sizes {
  readonly channels: number;
  readonly features: number;
  readonly taps: number;
  readonly pixels: number;
}

/** Of one group. */
const sizesOf = (p: ConvolutionShape): Sizes => ({
  channels: p.channels / p.groups,
  features: p.features / p.groups,
  taps: p.kernelHeight * p.kernelWidth,
  pixels: p.outHeight * p.outWidth,
});

/** weight[features, channels·taps] times patches[channels·taps, pixels], for every image and group. */
export function tiledConvolution(p: ConvolutionShape, bias: boolean): HandWritten | undefined {
  const { channels, features, taps, pixels } = sizesOf(p);
  const k = channels * taps;
  return tiled({
    ...{ m: features, n: pixels, k, batch: p.batch * p.groups },
    reads: ["image", "weight", ...(bias ? ["bias"] : [])],
    functions: `${patch(p)}
${A} { return weight[(batch % ${p.groups}u * ${features}u + row) * ${k}u + deep]; }
${B} { return patch_at(batch * ${channels}u + deep / ${taps}u, deep % ${taps}u, column); }`,
    deepFirst: { a: true, b: false },
    ...(bias ? { plus: (batch, row) => `bias[${batch} % ${p.groups}u * ${features}u + ${row}]` } : {}),
  });
}

/** weightᵀ[channels, features·taps] times what of g meets a pixel of x. */
export function tiledConvolutionInput(p: ConvolutionShape): HandWritten | undefined {
  const { channels, features, taps, pixels } = sizesOf(p);
  return tiled({
    ...{ m: channels, n: p.height * p.width, k: features * taps, batch: p.batch * p.groups },
    reads: ["g", "weight"],
    functions: `
${A} {
let feature = batch % ${p.groups}u * ${features}u + deep / ${taps}u;
return weight[(feature * ${channels}u + row) * ${taps}u + deep % ${taps}u];
}
${B} {
let tap = deep % ${taps}u;
let y = i32(column / ${p.width}u) + ${p.padTop} - i32(tap / ${p.kernelWidth}u * ${p.dilationY}u);
let x = i32(column % ${p.width}u) + ${p.padLeft} - i32(tap % ${p.kernelWidth}u * ${p.dilationX}u);
if (y < 0 || x < 0 || y % ${p.strideY} != 0 || x % ${p.strideX} != 0) { return 0.0; }
let i = y / ${p.strideY};
let j = x / ${p.strideX};
if (i >= ${p.outHeight} || j >= ${p.outWidth}) { return 0.0; }
return g[(batch * ${features}u + deep / ${taps}u) * ${pixels}u + u32(i) * ${p.outWidth}u + u32(j)];
}`,
    deepFirst: { a: true, b: false },
  });
}

/**
 * g[features, pixels] times patchesᵀ[pixels, channels·taps], over `images` images to each of the parts that the batch is
 * cut into: out is [parts, features, channels, taps].
 */
export function tiledConvolutionWeight(p: ConvolutionShape, parts: number, images: number): HandWritten | undefined {
  const { channels, features, taps, pixels } = sizesOf(p);
  const image = `let number = batch / ${p.groups}u * ${images}u + deep / ${pixels}u;
if (number >= ${p.batch}u) { return 0.0; }
let group = number * ${p.groups}u + batch % ${p.groups}u;`;
  return tiled({
    ...{ m: features, n: channels * taps, k: images * pixels, batch: parts * p.groups },
    reads: ["g", "image"],
    functions: `${patch(p)}
${A} {
${image}
return g[(group * ${features}u + row) * ${pixels}u + deep % ${pixels}u];
}
${B} {
${image}
return patch_at(group * ${channels}u + column / ${taps}u, column % ${taps}u, deep % ${pixels}u);
}`,
    deepFirst: { a: true, b: true },
  });
}
