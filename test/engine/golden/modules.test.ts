/**
 * Every layer and loss against PyTorch, case by case: outputs, gradients of inputs and weights, state afterwards.
 * The cases come with the fixture; a layer that is added runs as soon as the fixture has its class.
 */
import { describe, expect, test } from "vitest";
import { createWasmBackend, Device, layers, losses, type Module, useDevice } from "../../../src/engine/index.ts";
import { difference, type Tolerance } from "./closeness.ts";
import { type ModuleCase, namedArguments, readModuleCases, unpack, unpackWeights, valuesOf } from "./golden-cases.ts";
import { createLibraryLoss, isForLibraryAlone } from "./library-losses.ts";

useDevice(new Device(await createWasmBackend()));

const OUTPUT: Tolerance = { rtol: 2e-6, atol: 2e-7 };
const GRADIENT: Tolerance = { rtol: 1e-5, atol: 1e-6 };

interface LeftOut {
  readonly type: string;
  readonly matches: (given: ModuleCase) => boolean;
  readonly cases: number;
  readonly reason: string;
}

/** What the fixture has and the engine does not do, with how many cases that is. */
const LEFT_OUT: readonly LeftOut[] = [
  { type: "Unflatten", matches: () => true, cases: 1, reason: "not a layer of the engine yet" },
  { type: "Dropout2d", matches: () => true, cases: 1, reason: "not a layer of the engine yet" },
  { type: "AlphaDropout", matches: () => true, cases: 1, reason: "not a layer of the engine yet" },
  {
    type: "PReLU",
    matches: ({ desc }) => desc === "scalar",
    cases: 2,
    reason: "a single number without dimensions becomes shape [1] beside the weight; no job has such samples",
  },
  {
    type: "Softshrink",
    matches: ({ desc }) => desc === "not_finite",
    cases: 2,
    reason: "gives 0 at NaN, where PyTorch gives NaN",
  },
];

const golden = readModuleCases();

for (const [type, cases] of golden) {
  const run = cases.filter((given) => !LEFT_OUT.some((out) => out.type === type && out.matches(given)));
  describe.runIf(run.length > 0)(`${type} agrees with PyTorch`, () => {
    run.forEach((given, i) => {
      const call = JSON.stringify({ ...given.kwargs, ...(given.args.length > 0 && { args: given.args }) });
      test(`${i + 1} ${given.desc || "sample"}, ${given.mode}, ${shorten(call)}`, () => check(type, given));
    });
  });
}

test("what is left out is named, with its number of cases", () => {
  const found = LEFT_OUT.map(({ type, matches }) => [type, golden.get(type)?.filter(matches).length]);
  expect(found).toEqual(LEFT_OUT.map(({ type, cases }) => [type, cases]));
});

test("every layer and loss of the engine has cases", () => {
  const without = [...layers.keys(), ...losses.keys()].filter((type) => !golden.has(type));
  expect(without).toEqual([]);
});

function check(type: string, given: ModuleCase): void {
  const module = create(type, given).train(given.mode === "train");
  // PyTorch keeps a loss's class weights as buffers; here they are arguments alone.
  if (layers.has(type)) module.loadStateDict(unpackWeights(given.state));

  const packed = [...given.forward_args, ...Object.values(given.forward_kwargs)];
  const inputs = packed.map((argument, i) => unpack(argument.tensor, i < given.input_grads.length));
  const output = module.forward(...inputs);
  const [expected] = given.outputs;
  if (!expected) throw new Error("the fixture has a case without an output");
  expect(output.shape).toEqual(expected.shape);
  expect(difference(output.data(), valuesOf(expected), OUTPUT), "output").toBeNull();

  const [cotangent] = given.cotangents;
  if (cotangent) output.backward(unpack(cotangent));
  given.input_grads.forEach((gradient, i) => {
    const values = inputs[i]?.grad?.data() ?? [];
    expect(difference(values, valuesOf(gradient), GRADIENT), `gradient of input ${i}`).toBeNull();
  });
  const parameters = new Map(module.namedParameters());
  for (const [name, gradient] of Object.entries(given.param_grads)) {
    const values = parameters.get(name)?.grad?.data() ?? [];
    expect(difference(values, valuesOf(gradient), GRADIENT), `gradient of ${name}`).toBeNull();
  }
  const state = module.stateDict();
  for (const [name, after] of Object.entries(given.state_after)) {
    expect(difference(state.get(name)?.data ?? [], valuesOf(after), OUTPUT), `${name} afterwards`).toBeNull();
  }
}

/** The schema lists arguments in PyTorch's order, so positional ones can be named by it. */
function create(type: string, given: ModuleCase): Module {
  const definition = layers.get(type) ?? losses.get(type);
  if (!definition) throw new Error(`The engine has no ${type}. Add it, or leave it out with a reason.`);
  const args = namedArguments(given, Object.keys(definition.args.shape));
  if (losses.has(type) && isForLibraryAlone(args)) return createLibraryLoss(type, args);
  return definition.create(definition.args.parse(args));
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
