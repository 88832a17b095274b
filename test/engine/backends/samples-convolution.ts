/** Random calls of convolution, pooling and sparse products; see samples.ts. */
import fc from "fast-check";
import type { Call } from "./samples.ts";
import { Source } from "./source.ts";

const floats = (n: number) => new Float32Array(n);
const source = fc.integer({ min: 1, max: 2 ** 31 - 1 }).map((seed) => new Source(seed));
const upTo = (max: number) => fc.integer({ min: 1, max });

/** One direction: sizes that fit each other, now and then with more padding than a kernel meets, or none met at all. */
const axis = (kernelMax: number) =>
  fc
    .record({
      size: fc.oneof(upTo(9), upTo(40)),
      kernel: upTo(kernelMax),
      stride: fc.oneof(fc.constant(1), upTo(4)),
      dilation: fc.oneof(fc.constant(1), upTo(3)),
      pad: fc.oneof(fc.constant(0), upTo(5)),
      after: fc.integer({ min: 0, max: 3 }),
    })
    .map((given) => {
      const reach = (given.kernel - 1) * given.dilation;
      const room = given.size + given.pad + given.after - reach - 1;
      return { ...given, out: room < 0 ? 1 : Math.floor(room / given.stride) + 1 };
    });

const geometry = fc
  .record({
    ...{ batch: fc.integer({ min: 0, max: 3 }), groups: fc.oneof(fc.constant(1), upTo(3)) },
    ...{ channels: fc.oneof(upTo(3), upTo(9)), features: fc.oneof(upTo(7), upTo(20)) },
    ...{ y: fc.oneof(fc.constant(null), axis(4)), x: axis(6) },
  })
  .map(({ batch, groups, channels, features, y, x }) => {
    const flat = { size: 1, kernel: 1, stride: 1, dilation: 1, pad: 0, out: 1 };
    const v = y ?? flat;
    return {
      ...{ batch, groups, channels: channels * groups, height: v.size, width: x.size },
      ...{ features: features * groups, outHeight: v.out, outWidth: x.out },
      ...{ kernelHeight: v.kernel, kernelWidth: x.kernel, strideY: v.stride, strideX: x.stride },
      ...{ dilationY: v.dilation, dilationX: x.dilation, padTop: v.pad, padLeft: x.pad },
    };
  })
  .filter((p) => p.height * p.width * p.channels < 4000 && p.outHeight * p.outWidth * p.features < 8000);

const convolution = (written: string, ...read: readonly string[]) =>
  fc.record({ source, params: geometry }).map(({ source, params: p }): Call => {
    const sizes: Readonly<Record<string, number>> = {
      x: p.batch * p.channels * p.height * p.width,
      g: p.batch * p.features * p.outHeight * p.outWidth,
      weight: ((p.features * p.channels) / p.groups) * p.kernelHeight * p.kernelWidth,
      bias: p.features,
    };
    const reads = read.map((name) => [name, source.floats(sizes[name]!)]);
    return { arrays: { out: floats(sizes[written]!), ...Object.fromEntries(reads) }, params: p };
  });

/** A direction of pooling, in which every window meets the plane. */
const poolAxis = axis(4).map((given) => {
  const reach = (given.kernel - 1) * given.dilation;
  const pad = Math.min(given.pad, reach);
  const out = Math.ceil((given.size + pad) / given.stride);
  const meets = (i: number) => {
    const taps = Array.from({ length: given.kernel }, (_, k) => i * given.stride + k * given.dilation - pad);
    return taps.some((at) => at >= 0 && at < given.size);
  };
  const first = Array.from({ length: out }, (_, i) => meets(i)).indexOf(false);
  return { ...given, pad, out: first < 0 ? out : first };
});

const maxPool = fc
  .record({ source, planes: fc.integer({ min: 0, max: 4 }), y: poolAxis, x: poolAxis })
  .filter(({ y, x }) => y.out > 0 && x.out > 0)
  .map(({ source, planes, y, x }): Call => {
    const cells = planes * y.out * x.out;
    return {
      arrays: { out: floats(cells), index: new Int32Array(cells), x: source.edges(planes * y.size * x.size) },
      params: {
        ...{ planes, height: y.size, width: x.size, outHeight: y.out, outWidth: x.out },
        ...{ kernelHeight: y.kernel, kernelWidth: x.kernel, strideY: y.stride, strideX: x.stride },
        ...{ dilationY: y.dilation, dilationX: x.dilation, padTop: y.pad, padLeft: x.pad },
      },
    };
  });

const adaptive = fc
  .record({ source, planes: fc.integer({ min: 0, max: 4 }), sizes: fc.tuple(upTo(12), upTo(12), upTo(14), upTo(14)) })
  .map(({ source, planes, sizes: [height, width, outHeight, outWidth] }): Call => {
    const cells = planes * outHeight * outWidth;
    return {
      arrays: { out: floats(cells), index: new Int32Array(cells), x: source.edges(planes * height * width) },
      params: { planes, height, width, outHeight, outWidth },
    };
  });

const indexed = fc.record({ source, rows: fc.integer({ min: 0, max: 5 }), cols: upTo(30), count: upTo(40) });

const sparse = fc
  .record({
    ...{ source, outer: fc.integer({ min: 0, max: 4 }), length: upTo(12), rows: fc.integer({ min: 0, max: 15 }) },
    inner: fc.oneof(fc.constant(1), upTo(20)),
  })
  .map(({ source, outer, length, rows, inner }): Call => {
    const start = Int32Array.from({ length: rows + 1 });
    for (let r = 0; r < rows; r++) start[r + 1] = start[r]! + source.integer(0, 4);
    const terms = start[rows]!;
    return {
      arrays: {
        ...{ out: floats(outer * rows * inner), x: source.floats(outer * length * inner), start },
        ...{ column: source.integers(terms, 0, length - 1), weight: source.floats(terms) },
      },
      params: { outer, length, rows, inner },
    };
  });

export const convolutionSamples = {
  convolution: convolution("g", "x", "weight"),
  biasedConvolution: convolution("g", "x", "weight", "bias"),
  convolutionInput: convolution("x", "g", "weight"),
  convolutionWeight: convolution("weight", "g", "x"),
  maxPool,
  adaptiveMaxPool: adaptive,
  gatherAlong: indexed.map(
    ({ source, rows, cols, count }): Call => ({
      arrays: {
        ...{ out: floats(rows * count), x: source.edges(rows * cols) },
        index: source.integers(rows * count, 0, cols - 1),
      },
      params: { rows, cols, count },
    }),
  ),
  scatterAlong: indexed.map(
    ({ source, rows, cols, count }): Call => ({
      arrays: {
        ...{ out: floats(rows * cols), x: source.floats(rows * count) },
        index: source.integers(rows * count, 0, cols - 1),
      },
      params: { rows, cols, count },
    }),
  ),
  sparseProduct: sparse,
} satisfies Readonly<Record<string, fc.Arbitrary<Call>>>;
