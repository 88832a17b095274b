/**
 * Every layer and loss against PyTorch, case by case: outputs, gradients of inputs and weights, state afterwards.
 * The cases come with the fixture; a layer that is added runs as soon as the fixture has its class.
 */
import { describe, expect, test } from "vitest";
import { Device, layers, losses, type Module, type Tensor, useDevice } from "../../../src/engine/index.ts";
import { testBackends, tolerated } from "../backends-of-the-tests.ts";
import { difference } from "./closeness.ts";
import {
  type ModuleCase,
  namedArguments,
  readModuleCases,
  tensorsIn,
  unpack,
  unpackWeights,
  valuesOf,
} from "./golden-cases.ts";
import { createLibraryLoss, isForLibraryAlone } from "./library-losses.ts";
import { createLibraryModule } from "./library-modules.ts";
import { SEQUENCE_MODULES } from "./library-sequences.ts";

const devices = Object.values(testBackends).map((backend) => new Device(backend));

const CLOSE = tolerated({ rtol: 1e-5, atol: 1e-6 });
/** Elements of these are sums of up to 120 numbers, or products of two, that reach to ±9. */
const SUMS = tolerated({ rtol: 1e-5, atol: 1e-5 });
const toleranceOf = (type: string) => (["Conv3d", "ConvTranspose3d", "AvgPool3d"].includes(type) ? SUMS : CLOSE);

/** Layers that the pack has nothing of, and where they are tested instead. */
const WITHOUT_CASES: Readonly<Record<string, string>> = {
  Dropout1d: "test/engine/nn/dropout.test.ts",
  Dropout3d: "test/engine/nn/dropout.test.ts",
  FeatureAlphaDropout: "test/engine/nn/dropout.test.ts",
  GlobalAvgPool: "test/engine/nn/spatial.test.ts",
  TransformerEncoder: "test/parity/training.test.ts; Transformer, which has cases, holds one",
  PositionalEncoding: "test/engine/nn/sequences.test.ts",
  Residual: "test/engine/nn/nested.test.ts",
  Sequential: "test/engine/nn/nested.test.ts",
};

const golden = readModuleCases();

for (const [type, cases] of golden) {
  if (SEQUENCE_MODULES.includes(type)) continue;
  describe(`${type} agrees with PyTorch`, () => {
    cases.forEach((given, i) => {
      const call = JSON.stringify({ ...given.kwargs, ...(given.args.length > 0 && { args: given.args }) });
      test(`${i + 1} ${given.desc || "sample"}, ${given.mode}, ${shorten(call)}`, () => {
        for (const device of devices) {
          useDevice(device);
          check(type, given);
        }
      });
    });
  });
}

test("every layer and loss of the engine has cases", () => {
  const without = [...layers.keys(), ...losses.keys()].filter((type) => !golden.has(type) && !(type in WITHOUT_CASES));
  expect(without).toEqual([]);
});

/** Which inputs have gradients in the fixture, where those are not the first: of x, target and variance the outer two. */
const DIFFERENTIATED: Readonly<Record<string, readonly number[]>> = { GaussianNLLLoss: [0, 2] };

function check(type: string, given: ModuleCase): void {
  const close = toleranceOf(type);
  const module = create(type, given).train(given.mode === "train");
  // PyTorch keeps a loss's class weights as buffers; here they are arguments alone.
  if (!type.endsWith("Loss")) module.loadStateDict(unpackWeights(given.state));

  const packed = [...given.forward_args, ...Object.values(given.forward_kwargs)].flatMap(tensorsIn);
  const differentiated = DIFFERENTIATED[type] ?? given.input_grads.map((_, i) => i);
  const inputs = packed.map((argument, i) => unpack(argument, differentiated.includes(i)));
  const [output, ...others] = given.kwargs["return_indices"] ? pooled(module, inputs) : [module.forward(...inputs)];
  if (!output) throw new Error("the module gave nothing");
  [output, ...others].forEach((found, i) => {
    const expected = given.outputs[i];
    expect(found.shape).toEqual(expected?.shape);
    expect(difference(found.data(), expected ? valuesOf(expected) : [], close), `output ${i}`).toBeNull();
  });
  expect(given.outputs).toHaveLength(1 + others.length);

  const [cotangent] = given.cotangents;
  if (cotangent) output.backward(unpack(cotangent));
  given.input_grads.forEach((gradient, i) => {
    const values = inputs[differentiated[i] ?? i]?.grad?.data() ?? [];
    expect(difference(values, valuesOf(gradient), close), `gradient of input ${i}`).toBeNull();
  });
  const parameters = new Map(module.namedParameters());
  for (const [name, gradient] of Object.entries(given.param_grads)) {
    const values = parameters.get(name)?.grad?.data() ?? [];
    expect(difference(values, valuesOf(gradient), close), `gradient of ${name}`).toBeNull();
  }
  const state = module.stateDict();
  for (const [name, after] of Object.entries(given.state_after)) {
    expect(difference(state.get(name)?.data ?? [], valuesOf(after), close), `${name} afterwards`).toBeNull();
  }
}

/** The values and where they were found: PyTorch's `return_indices`, which a layer of a job has no use for. */
function pooled(module: Module, [x]: readonly Tensor[]): Tensor[] {
  const pool = "pool" in module && typeof module.pool === "function" ? module.pool.bind(module) : undefined;
  const { values, indices } = pool?.(x) ?? {};
  return [values, indices];
}

/** The schema lists arguments in PyTorch's order, so positional ones can be named by it. */
function create(type: string, given: ModuleCase): Module {
  const definition = layers.get(type) ?? losses.get(type);
  if (!definition) return createLibraryModule(type, given) ?? createLibraryLoss(type, namedArguments(given, []));
  const { return_indices: _, ...args } = namedArguments(given, Object.keys(definition.args.shape));
  if (losses.has(type) && isForLibraryAlone(type, args)) return createLibraryLoss(type, args);
  return definition.create(definition.args.parse(args));
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
