/** ZeroPad, ConstantPad, ReflectionPad, ReplicationPad and CircularPad: elements added around an image. */
import { z } from "zod";
import { constantPad } from "../ops/index.ts";
import { type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { type Amounts, checkEdges, type EdgeMode, Edges } from "./edges.ts";
import { Module } from "./module.ts";
import type { Spatial } from "./spatial.ts";

/** One number for all sides, or [left, right], then [top, bottom] and [front, back] where there are such; negative ones crop. */
export type Padding = number | readonly number[];

/** PyTorch's order begins with the last dimension; here they are in the dimensions' order. */
export function paddingAmounts(padding: Padding, dimensions: Spatial): Amounts[] {
  const sides = typeof padding === "number" ? new Array<number>(2 * dimensions).fill(padding) : padding;
  if (sides.length !== 2 * dimensions) {
    throw new RangeError(`padding is one number or a list of ${2 * dimensions}, and not [${sides}]`);
  }
  return Array.from({ length: dimensions }, (_, i): Amounts => {
    const first = 2 * (dimensions - 1 - i);
    return [sides[first] ?? 0, sides[first + 1] ?? 0];
  });
}

abstract class PadWithConstant extends Module {
  protected abstract readonly dimensions: Spatial;
  readonly #padding: Padding;
  readonly #value: number;

  constructor(padding: Padding, value: number) {
    super();
    this.#padding = padding;
    this.#value = value;
  }

  forward(x: Tensor): Tensor {
    return constantPad(x, paddingAmounts(this.#padding, this.dimensions), this.#value);
  }
}

/** Shapes: (*, L) → (*, left + L + right). */
export class ConstantPad1d extends PadWithConstant {
  protected readonly dimensions = 1;
}
/** Shapes: (*, H, W) → (*, top + H + bottom, left + W + right). */
export class ConstantPad2d extends PadWithConstant {
  protected readonly dimensions = 2;
}
/** Shapes: (*, D, H, W) → (*, front + D + back, top + H + bottom, left + W + right). */
export class ConstantPad3d extends PadWithConstant {
  protected readonly dimensions = 3;
}
export class ZeroPad1d extends ConstantPad1d {
  constructor(padding: Padding) {
    super(padding, 0);
  }
}
export class ZeroPad2d extends ConstantPad2d {
  constructor(padding: Padding) {
    super(padding, 0);
  }
}
export class ZeroPad3d extends ConstantPad3d {
  constructor(padding: Padding) {
    super(padding, 0);
  }
}

abstract class PadWithEdges extends Module {
  readonly #edges: Edges;

  protected constructor(mode: EdgeMode, padding: Padding, dimensions: Spatial) {
    super();
    this.#edges = new Edges(mode, paddingAmounts(padding, dimensions));
  }

  forward(x: Tensor): Tensor {
    return this.#edges.pad(x);
  }
}

/** Mirrored at the first and last element, which are not repeated. */
export class ReflectionPad1d extends PadWithEdges {
  constructor(padding: Padding) {
    super("reflect", padding, 1);
  }
}
export class ReflectionPad2d extends PadWithEdges {
  constructor(padding: Padding) {
    super("reflect", padding, 2);
  }
}
export class ReflectionPad3d extends PadWithEdges {
  constructor(padding: Padding) {
    super("reflect", padding, 3);
  }
}
/** The first and last element repeated. */
export class ReplicationPad1d extends PadWithEdges {
  constructor(padding: Padding) {
    super("replicate", padding, 1);
  }
}
export class ReplicationPad2d extends PadWithEdges {
  constructor(padding: Padding) {
    super("replicate", padding, 2);
  }
}
export class ReplicationPad3d extends PadWithEdges {
  constructor(padding: Padding) {
    super("replicate", padding, 3);
  }
}
/** Going on at the other side. */
export class CircularPad1d extends PadWithEdges {
  constructor(padding: Padding) {
    super("circular", padding, 1);
  }
}
export class CircularPad2d extends PadWithEdges {
  constructor(padding: Padding) {
    super("circular", padding, 2);
  }
}
export class CircularPad3d extends PadWithEdges {
  constructor(padding: Padding) {
    super("circular", padding, 3);
  }
}

const MOST = 2 ** 16;

function paddingSchema(dimensions: Spatial) {
  const amount = z.int().min(-MOST).max(MOST);
  const sides = ["left", "right", "top", "bottom", "front", "back"].slice(0, 2 * dimensions).join(", ");
  return z
    .union([amount, z.array(amount).length(2 * dimensions)])
    .describe(`Elements added on all sides, or [${sides}]; negative ones take away`);
}

/** The sample's shape afterwards. `check` may refuse a dimension's amounts. */
function paddedSample(
  padding: Padding,
  input: Shape,
  dimensions: Spatial,
  check: (length: number, amounts: Amounts) => void,
): Shape {
  if (input.length < dimensions) {
    throw new ShapeError(`takes samples with at least ${dimensions} dimensions, got ${showShape(input)}`);
  }
  const first = input.length - dimensions;
  const amounts = paddingAmounts(padding, dimensions);
  return input.map((length, i) => {
    const [before, after] = amounts[i - first] ?? [0, 0];
    // Cropping comes first, so both sides together must leave something.
    const left = length + Math.min(before, 0) + Math.min(after, 0);
    if (left < 1) {
      throw new ShapeError(`takes away ${length - left} of ${length} elements: at least one must be left`, "padding");
    }
    if (i >= first) check(length, [before, after]);
    return length + before + after;
  });
}

function defineZero(
  dimensions: Spatial,
  Class: new (padding: Padding) => Module,
): LayerDefinition<z.ZodObject<{ padding: ReturnType<typeof paddingSchema> }, z.core.$strict>> {
  return defineLayer({
    type: `ZeroPad${dimensions}d`,
    summary: "Adds zeros around the input",
    args: z.strictObject({ padding: paddingSchema(dimensions) }),
    resolve: (given, input) => ({
      args: given,
      output: paddedSample(given.padding, input, dimensions, () => {}),
      flops: 0,
    }),
    create: (given) => new Class(given.padding),
  });
}

const constantSchema = (dimensions: Spatial) =>
  z.strictObject({ padding: paddingSchema(dimensions), value: z.number().describe("What the added elements are") });

function defineConstant(
  dimensions: Spatial,
  Class: new (padding: Padding, value: number) => Module,
): LayerDefinition<ReturnType<typeof constantSchema>> {
  return defineLayer({
    type: `ConstantPad${dimensions}d`,
    summary: "Adds elements of one value around the input",
    args: constantSchema(dimensions),
    resolve: (given, input) => ({
      args: given,
      output: paddedSample(given.padding, input, dimensions, () => {}),
      flops: 0,
    }),
    create: (given) => new Class(given.padding, given.value),
  });
}

function defineEdges(
  type: string,
  summary: string,
  mode: EdgeMode,
  dimensions: Spatial,
  Class: new (padding: Padding) => Module,
): LayerDefinition<z.ZodObject<{ padding: ReturnType<typeof paddingSchema> }, z.core.$strict>> {
  return defineLayer({
    type,
    summary,
    args: z.strictObject({ padding: paddingSchema(dimensions) }),
    resolve: (given, input) => ({
      args: given,
      output: paddedSample(given.padding, input, dimensions, (length, amounts) => checkEdges(mode, length, amounts)),
      flops: 0,
    }),
    create: (given) => new Class(given.padding),
  });
}

const MIRROR = "Adds around the input what lies on the other side of its edge";
const REPEAT = "Repeats the outermost elements around the input";
const CIRCLE = "Adds around the input what it has at its opposite side";

export const zeroPadLayers = [defineZero(1, ZeroPad1d), defineZero(2, ZeroPad2d), defineZero(3, ZeroPad3d)];
export const constantPadLayers = [
  defineConstant(1, ConstantPad1d),
  defineConstant(2, ConstantPad2d),
  defineConstant(3, ConstantPad3d),
];
export const edgePadLayers = [
  defineEdges("ReflectionPad1d", MIRROR, "reflect", 1, ReflectionPad1d),
  defineEdges("ReflectionPad2d", MIRROR, "reflect", 2, ReflectionPad2d),
  defineEdges("ReflectionPad3d", MIRROR, "reflect", 3, ReflectionPad3d),
  defineEdges("ReplicationPad1d", REPEAT, "replicate", 1, ReplicationPad1d),
  defineEdges("ReplicationPad2d", REPEAT, "replicate", 2, ReplicationPad2d),
  defineEdges("ReplicationPad3d", REPEAT, "replicate", 3, ReplicationPad3d),
  defineEdges("CircularPad1d", CIRCLE, "circular", 1, CircularPad1d),
  defineEdges("CircularPad2d", CIRCLE, "circular", 2, CircularPad2d),
  defineEdges("CircularPad3d", CIRCLE, "circular", 3, CircularPad3d),
];
