/**
 * Every layer and loss against PyTorch, case by case: outputs, gradients of inputs and weights, state afterwards.
 * The cases come with the fixture; a layer that is added runs as soon as the fixture has its class.
 */
import { describe, expect, test } from "vitest";
import { createWasmBackend, Device, layers, losses, type Module, useDevice } from "../../../src/engine/index.ts";
import { difference, type Tolerance } from "./closeness.ts";
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
import { SEQUENCE_MODULES } from "./library-sequences.ts";

/** Relaxed SIMD with fused multiply-adds where the machine has it, and plain SIMD. */
const devices = {
  fast: new Device(await createWasmBackend()),
  strict: new Device(await createWasmBackend({ numerics: "strict" })),
};

const CLOSE: Tolerance = { rtol: 1e-5, atol: 1e-6 };

interface LeftOut {
  readonly type: string;
  readonly matches: (given: ModuleCase) => boolean;
  readonly cases: number;
  readonly reason: string;
}

/** What the fixture has and the engine does not do, with how many cases that is. */
const LEFT_OUT: readonly LeftOut[] = [
  ...["MaxPool1d", "MaxPool2d"].map((type) => ({
    type,
    matches: (given: ModuleCase) => given.kwargs["return_indices"] === true,
    cases: 2,
    reason: "a layer gives one tensor; ops.maxPool gives the indices, too",
  })),
  {
    type: "Upsample",
    matches: (given) => given.kwargs["mode"] === "trilinear",
    cases: 1,
    reason: "positions have one or two dimensions",
  },
];

/** Layers that the pack has nothing of, and where they are tested instead. */
const WITHOUT_CASES: Readonly<Record<string, string>> = {
  Dropout1d: "test/engine/nn/dropout.test.ts",
  Dropout3d: "test/engine/nn/dropout.test.ts",
  FeatureAlphaDropout: "test/engine/nn/dropout.test.ts",
  GlobalAvgPool: "test/engine/nn/spatial.test.ts",
  PositionalEncoding: "test/engine/nn/sequences.test.ts",
  Residual: "test/engine/nn/nested.test.ts",
  Sequential: "test/engine/nn/nested.test.ts",
};

const golden = readModuleCases();

for (const [type, cases] of golden) {
  if (SEQUENCE_MODULES.includes(type)) continue;
  const run = cases.filter((given) => !LEFT_OUT.some((out) => out.type === type && out.matches(given)));
  describe.runIf(run.length > 0)(`${type} agrees with PyTorch`, () => {
    run.forEach((given, i) => {
      const call = JSON.stringify({ ...given.kwargs, ...(given.args.length > 0 && { args: given.args }) });
      test(`${i + 1} ${given.desc || "sample"}, ${given.mode}, ${shorten(call)}`, () => {
        for (const numerics of ["fast", "strict"] as const) {
          useDevice(devices[numerics]);
          check(type, given);
        }
      });
    });
  });
}

test.each(LEFT_OUT)("$cases of $type left out, and rightly: $reason", ({ type, matches, cases }) => {
  const left = golden.get(type)?.filter(matches) ?? [];
  expect(left).toHaveLength(cases);
  for (const given of left) expect(() => check(type, given)).toThrow();
});

test("every layer and loss of the engine has cases", () => {
  const without = [...layers.keys(), ...losses.keys()].filter((type) => !golden.has(type) && !(type in WITHOUT_CASES));
  expect(without).toEqual([]);
});

/** Which inputs have gradients in the fixture, where those are not the first: of x, target and variance the outer two. */
const DIFFERENTIATED: Readonly<Record<string, readonly number[]>> = { GaussianNLLLoss: [0, 2] };

function check(type: string, given: ModuleCase): void {
  const module = create(type, given).train(given.mode === "train");
  // PyTorch keeps a loss's class weights as buffers; here they are arguments alone.
  if (layers.has(type)) module.loadStateDict(unpackWeights(given.state));

  const packed = [...given.forward_args, ...Object.values(given.forward_kwargs)].flatMap(tensorsIn);
  const differentiated = DIFFERENTIATED[type] ?? given.input_grads.map((_, i) => i);
  const inputs = packed.map((argument, i) => unpack(argument, differentiated.includes(i)));
  const output = module.forward(...inputs);
  const [expected] = given.outputs;
  if (!expected) throw new Error("the fixture has a case without an output");
  expect(output.shape).toEqual(expected.shape);
  expect(difference(output.data(), valuesOf(expected), CLOSE), "output").toBeNull();

  const [cotangent] = given.cotangents;
  if (cotangent) output.backward(unpack(cotangent));
  given.input_grads.forEach((gradient, i) => {
    const values = inputs[differentiated[i] ?? i]?.grad?.data() ?? [];
    expect(difference(values, valuesOf(gradient), CLOSE), `gradient of input ${i}`).toBeNull();
  });
  const parameters = new Map(module.namedParameters());
  for (const [name, gradient] of Object.entries(given.param_grads)) {
    const values = parameters.get(name)?.grad?.data() ?? [];
    expect(difference(values, valuesOf(gradient), CLOSE), `gradient of ${name}`).toBeNull();
  }
  const state = module.stateDict();
  for (const [name, after] of Object.entries(given.state_after)) {
    expect(difference(state.get(name)?.data ?? [], valuesOf(after), CLOSE), `${name} afterwards`).toBeNull();
  }
}

/** The schema lists arguments in PyTorch's order, so positional ones can be named by it. */
function create(type: string, given: ModuleCase): Module {
  const definition = layers.get(type) ?? losses.get(type);
  if (!definition) return createLibraryLoss(type, namedArguments(given, []));
  const args = namedArguments(given, Object.keys(definition.args.shape));
  if (losses.has(type) && isForLibraryAlone(args)) return createLibraryLoss(type, args);
  return definition.create(definition.args.parse(args));
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
