/** What definitions say of a layer's memory, against what its captured training step takes. */
import { expect, test } from "vitest";
import { defaultDevice, layers, ops, randn } from "../../../src/engine/index.ts";
import { elementCount } from "../../../src/engine/shape.ts";
import "../device-of-the-tests.ts";

const BATCH = 16;

test.each([
  ["LSTM", { hidden_size: 32 }, [24, 16]],
  ["LSTM", { hidden_size: 16, num_layers: 2, bidirectional: true, return_sequences: true }, [24, 16]],
  ["GRU", { hidden_size: 32 }, [24, 16]],
  ["RNN", { hidden_size: 32 }, [24, 16]],
  ["MultiheadAttention", { num_heads: 4 }, [48, 32]],
  ["TransformerEncoderLayer", { nhead: 4, dim_feedforward: 64, dropout: 0 }, [24, 32]],
] as const)("%s %j: within a factor of 1.8", (type, given, input) => {
  const definition = layers.get(type);
  if (!definition) throw new Error(type);
  const { args, output, innerValues = 0 } = definition.resolve(definition.args.parse(given), [...input]);
  const module = definition.create(args).seed(1);
  const x = randn([BATCH, ...input]);
  x.requiresGrad = true;
  const step = defaultDevice().capture(() => {
    const y = module.forward(x);
    ops.sum(ops.mul(y, y)).backward();
    module.zeroGrad();
    x.zeroGrad();
  });
  const weights = module.parameters().reduce((sum, { size }) => sum + size, 0);
  const said = 2 * BATCH * (innerValues + elementCount(output) + elementCount([...input])) + weights;
  const taken = step.arenaBytes / 4;
  step.dispose();
  expect(said / taken).toBeGreaterThan(1 / 1.8);
  expect(said / taken).toBeLessThan(1.8);
});
