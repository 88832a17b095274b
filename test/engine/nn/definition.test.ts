/** What definitions promise: the shapes they announce are the shapes that come out; mistakes are named before training. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elementCount, layers, type Shape, ShapeError, zeros } from "../../../src/engine/index.ts";
import { onGpu } from "../backends-of-the-tests.ts";
import "../device-of-the-tests.ts";
import { spatialArguments } from "./spatial-arguments.ts";

const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 0, maxLength: 4 });

const small = fc.integer({ min: 1, max: 3 });

/** Arguments that a layer can't do without, or that make it interesting. */
const argumentsOf: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  Linear: fc.record({ out_features: fc.integer({ min: 1, max: 5 }), bias: fc.boolean() }),
  Threshold: fc.record({ threshold: fc.double({ min: -2, max: 2, noNaN: true }), value: fc.constant(2) }),
  Flatten: fc.record({ start_dim: fc.integer({ min: -4, max: 5 }), end_dim: fc.integer({ min: -4, max: 5 }) }),
  GLU: fc.record({ dim: fc.integer({ min: -5, max: 5 }) }),
  Softmax: fc.record({ dim: fc.option(fc.integer({ min: -5, max: 5 })) }),
  LogSoftmax: fc.record({ dim: fc.option(fc.integer({ min: -5, max: 5 })) }),
  Softmin: fc.record({ dim: fc.option(fc.integer({ min: -5, max: 5 })) }),
  GroupNorm: fc.record({ num_groups: fc.integer({ min: 1, max: 3 }), affine: fc.boolean(), bias: fc.boolean() }),
  BatchNorm1d: fc.record({ affine: fc.boolean(), track_running_stats: fc.boolean(), bias: fc.boolean() }),
  LayerNorm: fc.record({ elementwise_affine: fc.boolean(), bias: fc.boolean() }),
  Residual: fc.constantFrom(
    { layers: [{ type: "Tanh" }, { type: "LayerNorm" }] },
    { layers: [{ type: "BatchNorm1d" }, { type: "Residual", layers: [{ type: "Linear", out_features: 4 }] }] },
  ),
  Sequential: fc.constantFrom({
    layers: [{ type: "BatchNorm1d" }, { type: "Linear", out_features: 2 }, { type: "Flatten" }],
  }),
  Embedding: fc.record({
    num_embeddings: fc.integer({ min: 1, max: 5 }),
    embedding_dim: fc.integer({ min: 1, max: 4 }),
    padding_idx: fc.option(fc.integer({ min: -2, max: 2 })),
  }),
  EmbeddingBag: fc.record({
    num_embeddings: fc.integer({ min: 1, max: 5 }),
    embedding_dim: fc.integer({ min: 1, max: 4 }),
    mode: fc.constantFrom("sum", "mean", "max"),
    padding_idx: fc.option(fc.constant(0)),
  }),
  ...spatialArguments,
  RNN: fc.record({ hidden_size: small, nonlinearity: fc.constantFrom("tanh", "relu"), return_sequences: fc.boolean() }),
  LSTM: fc.record({
    hidden_size: fc.integer({ min: 2, max: 4 }),
    num_layers: fc.integer({ min: 1, max: 2 }),
    bidirectional: fc.boolean(),
    return_sequences: fc.boolean(),
    proj_size: fc.integer({ min: 0, max: 2 }),
  }),
  GRU: fc.record({ hidden_size: small, num_layers: small, bidirectional: fc.boolean(), bias: fc.boolean() }),
  MultiheadAttention: fc.record({
    num_heads: fc.integer({ min: 1, max: 3 }),
    bias: fc.boolean(),
    add_bias_kv: fc.boolean(),
    add_zero_attn: fc.boolean(),
    causal: fc.boolean(),
  }),
  TransformerEncoderLayer: fc.record({
    nhead: fc.integer({ min: 1, max: 3 }),
    dim_feedforward: small,
    activation: fc.constantFrom("relu", "gelu"),
    norm_first: fc.boolean(),
    bias: fc.boolean(),
  }),
  TransformerEncoder: fc.record({
    encoder_layer: fc.record({ nhead: fc.integer({ min: 1, max: 2 }), dim_feedforward: small, bias: fc.boolean() }),
    num_layers: small,
    norm: fc.boolean(),
  }),
  PositionalEncoding: fc.record({ kind: fc.constantFrom("sinusoidal", "learned") }),
  PReLU: fc.record({ num_parameters: fc.integer({ min: 1, max: 4 }) }),
};

describe("a layer gives the shape that its definition announces, or refuses beforehand", () => {
  for (const definition of layers.values()) {
    test(definition.type, () => {
      let ran = 0;
      fc.assert(
        fc.property(
          argumentsOf[definition.type] ?? fc.constant({}),
          shapes,
          fc.integer({ min: 1, max: 3 }),
          (given, input, batch) => {
            const resolved = resolve(definition.type, given, input);
            if (!resolved) return;
            ran++;
            const module = definition.create(definition.args.parse(resolved.args));
            const rows = Math.max(batch, resolved.smallestBatch ?? 1);
            const output = module.forward(zeros([rows, ...input]));
            expect(output.shape).toEqual([rows, ...resolved.output]);
            if (output.requiresGrad) output.sum().backward();
            for (const parameter of module.parameters()) {
              expect(parameter.grad?.shape ?? parameter.shape).toEqual(parameter.shape);
            }
            const args = definition.args.parse(resolved.args);
            const announced = Object.entries({ ...definition.parameters(args), ...definition.buffers(args) });
            const held = Array.from(module.namedState(), ([name, { shape }]) => ({ name, shape }));
            expect(held.toSorted(byName)).toEqual(
              announced.map(([name, { shape }]) => ({ name, shape })).toSorted(byName),
            );
            expect(resolved.flops).toBeGreaterThanOrEqual(0);
          },
        ),
        // Each new shape is a kernel to compile on a GPU, and a second where software plays it.
        { numRuns: onGpu ? 40 : 200 },
      );
      expect(ran).toBeGreaterThan(0);
    });
  }
});

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

function resolve(type: string, given: Record<string, unknown>, input: Shape) {
  const definition = layers.get(type);
  try {
    return definition?.resolve(definition.args.parse(given), input);
  } catch (error) {
    // The only mistake that a definition may find at this point, and it says something.
    expect(error).toBeInstanceOf(ShapeError);
    expect((error as ShapeError).message.length).toBeGreaterThan(10);
    return undefined;
  }
}

test("mistakes name the argument, what was expected and what was found", () => {
  const mistake = (
    type: string,
    given: Record<string, unknown>,
    input: Shape,
  ): { field: string | undefined; message: string } => {
    const definition = layers.get(type);
    try {
      definition?.resolve(definition.args.parse(given), input);
    } catch (error) {
      if (error instanceof ShapeError) return { field: error.field, message: error.message };
    }
    return { field: undefined, message: "" };
  };
  expect(mistake("Linear", { in_features: 32, out_features: 2 }, [64])).toEqual({
    field: "in_features",
    message: "expects 64, got 32",
  });
  expect(mistake("GLU", {}, [7])).toEqual({ field: "dim", message: expect.stringContaining("7: it must be even") });
  expect(mistake("Softmax", { dim: 0 }, [3]).message).toContain("would mix samples");
  expect(mistake("Softmax2d", {}, [3]).message).toContain("[channels, height, width], got [3]");
  expect(mistake("PReLU", { num_parameters: 5 }, [3]).message).toContain("expects 1 or 3");
  expect(mistake("BatchNorm2d", { num_features: 4 }, [3, 8, 8])).toEqual({
    field: "num_features",
    message: "expects 3, got 4",
  });
  expect(mistake("BatchNorm2d", {}, [8]).message).toBe("takes samples of shape [channels, height, width], got [8]");
  expect(mistake("LayerNorm", { normalized_shape: [5] }, [3, 8])).toEqual({
    field: "normalized_shape",
    message: "expects [8], got [5]",
  });
  expect(mistake("GroupNorm", { num_groups: 4 }, [6, 2])).toEqual({
    field: "num_groups",
    message: "must divide the 6 channels, and 4 does not",
  });
  expect(mistake("LSTM", { hidden_size: 2, input_size: 4 }, [5, 3])).toEqual({
    field: "input_size",
    message: "expects 3, got 4",
  });
  expect(mistake("LSTM", { hidden_size: 2, proj_size: 2 }, [5, 3]).field).toBe("proj_size");
  expect(mistake("GRU", { hidden_size: 2 }, [5]).message).toBe("takes samples of shape [steps, features], got [5]");
  expect(mistake("MultiheadAttention", { num_heads: 2 }, [5, 3])).toEqual({
    field: "num_heads",
    message: "must divide the 3 features, and 2 does not",
  });
  expect(mistake("PositionalEncoding", { max_len: 4 }, [5, 3])).toEqual({
    field: "max_len",
    message: "is 4, and the sequences have 5 steps",
  });
  expect(mistake("Embedding", { num_embeddings: 4, embedding_dim: 2, padding_idx: 4 }, [5])).toEqual({
    field: "padding_idx",
    message: "is 4, and there are 4 embeddings, 0 … 3",
  });
  expect(mistake("InstanceNorm1d", {}, [6, 1]).message).toContain("have only one");
});

test("unknown arguments are refused by every layer", () => {
  for (const definition of layers.values()) expect(definition.args.safeParse({ nonsense: 1 }).success).toBe(false);
});

test("a layer's multiply-adds are counted as two operations", () => {
  const definition = layers.get("Linear");
  expect(definition?.resolve(definition.args.parse({ out_features: 3 }), [4]).flops).toBe(2 * elementCount([4, 3]));
});
