/** Random jobs: a spec of the HTTP contract with its data and its initial weights, from one seed. */
import { elementCount, type LayerSpec, layers, type Shape } from "../../src/engine/definitions.ts";
import { Draw } from "../draw.ts";
import { type DrawnLoss, drawLoss } from "./draw-loss.ts";
import { type DrawnModel, drawModel } from "./draw-model.ts";
import { drawOptimizer, drawScheduler } from "./draw-updates.ts";

export interface DrawnSpec {
  readonly model: {
    readonly layers: readonly LayerSpec[];
    readonly init: { readonly weights: Record<string, unknown> };
  };
  readonly epochs: number;
  readonly [field: string]: unknown;
}

export function drawSpec(seed: number): DrawnSpec {
  const draw = new Draw(seed);
  const loss = drawLoss(draw);
  const drawn = drawModel(draw);
  const model = [...drawn.layers, ...headOf(draw, drawn, loss)];
  const epochs = draw.int(2, 4);
  const batch_size = draw.int(3, 12);
  const accumulate_steps = draw.pick([1, 1, 2, 3]);
  const drop_last = draw.chance(0.2);
  const rows = rowsFor(draw, batch_size, Math.max(6, batch_size), 30);
  const batches = drop_last ? Math.floor(rows / batch_size) : Math.ceil(rows / batch_size);
  const steps = epochs * Math.ceil(batches / accumulate_steps);
  const optimizer = drawOptimizer(draw, parametersOf(model));
  return {
    model: { layers: model, init: { weights: drawWeights(draw, model) } },
    loss: { type: loss.type, ...loss.args },
    optimizer,
    scheduler: drawScheduler(draw, optimizer.type, steps),
    epochs,
    batch_size,
    accumulate_steps,
    drop_last,
    shuffle: false,
    clip_grad_norm: draw.pick([null, null, draw.scale(0.01, 2)]),
    clip_grad_value: draw.pick([null, null, draw.scale(0.001, 0.5)]),
    mode: draw.pick(["compiled", "eager"]),
    numerics: draw.pick(["fast", "strict"]),
    data: { inline: { ...drawRows(draw, drawn, loss, rows), ...drawWeighting(draw, rows) } },
    validation: draw.chance(0.5)
      ? { inline: drawValidation(draw, drawn, loss, rowsFor(draw, batch_size, 2, 15)) }
      : null,
  };
}

function headOf(draw: Draw, { output }: DrawnModel, { outputs, ends = [] }: DrawnLoss): LayerSpec[] {
  const features = elementCount(output);
  const linear = { type: "Linear", in_features: features, out_features: outputs, bias: draw.chance(0.9) };
  return [...(output.length > 1 ? [{ type: "Flatten" }] : []), linear, ...ends];
}

/** A last batch may be partial, but not of one row, which PyTorch's norms can't take. */
function rowsFor(draw: Draw, batchSize: number, least: number, most: number): number {
  const rows = draw.int(least, most);
  return rows % batchSize === 1 ? rows + 1 : rows;
}

function parametersOf(specs: readonly LayerSpec[]): Shape[] {
  return specs.flatMap(({ type, ...given }) => {
    const definition = layers.get(type);
    const found = definition?.parameters(definition.args.parse(given)) ?? {};
    return Object.values(found).map(({ shape }) => shape);
  });
}

/** By state_dict name. Constants are moved a little, since zeros and ones would hide a bias or scale that is not used. */
function drawWeights(draw: Draw, specs: readonly LayerSpec[]): Record<string, unknown> {
  const weights: Record<string, unknown> = {};
  for (const [i, { type, ...given }] of specs.entries()) {
    const definition = layers.get(type);
    if (!definition) throw new Error(`The engine has no layer ${type}.`);
    const args = definition.args.parse(given);
    for (const [name, { shape, init }] of Object.entries(definition.parameters(args))) {
      const reach = 1.5 / Math.sqrt(elementCount(shape.slice(1)));
      const value =
        init.distribution === "constant" ? () => init.value + draw.real(-0.3, 0.3) : () => draw.real(-reach, reach);
      weights[`${i}.${name}`] = nested(draw.list(elementCount(shape), value), shape);
    }
    for (const [name, { shape, init }] of Object.entries(definition.buffers(args))) {
      const value = init.distribution === "constant" ? init.value : 0;
      weights[`${i}.${name}`] = nested(
        draw.list(elementCount(shape), () => value),
        shape,
      );
    }
  }
  return weights;
}

/** Flat numbers as nested lists of a shape. */
function nested(values: readonly number[], shape: readonly number[]): unknown {
  const [length, ...inner] = shape;
  if (length === undefined) return values[0];
  const each = values.length / length;
  return Array.from({ length }, (_, i) => nested(values.slice(i * each, (i + 1) * each), inner));
}

function drawRows(draw: Draw, { input, vocabulary }: DrawnModel, loss: DrawnLoss, rows: number) {
  const count = elementCount(input);
  const element = () => (vocabulary === null ? draw.real(-2, 2) : draw.int(0, vocabulary - 1));
  return {
    inputs: draw.list(rows, () => nested(draw.list(count, element), input)),
    targets: draw.list(rows, () => loss.target(draw)),
  };
}

function drawValidation(draw: Draw, drawn: DrawnModel, loss: DrawnLoss, rows: number) {
  return { ...drawRows(draw, drawn, loss, rows), ...drawWeighting(draw, rows) };
}

/** None of them 0: PyTorch divides by the sum over a batch. */
const drawWeighting = (draw: Draw, rows: number) =>
  draw.chance(0.25) ? { weights: draw.list(rows, () => draw.real(0.05, 3)) } : {};

/** Every type of layer in a list, at any depth. */
export function typesOf(specs: readonly LayerSpec[]): string[] {
  return specs.flatMap(({ type, layers: inner }) => [type, ...(Array.isArray(inner) ? typesOf(inner) : [])]);
}
