/**
 * Modules with several inputs and outputs against PyTorch, case by case: recurrent layers and cells with their states,
 * attention with its weights and masks. As modules.test.ts, for the library's own calls.
 */
import { describe, expect, test } from "vitest";
import { Device, type Module, ops, type Tensor, useDevice } from "../../../src/engine/index.ts";
import { testBackends, tolerated } from "../backends-of-the-tests.ts";
import { difference } from "./closeness.ts";
import {
  type ModuleCase,
  type PackedTensor,
  readModuleCases,
  tensorsIn,
  unpack,
  unpackWeights,
  valuesOf,
} from "./golden-cases.ts";
import { createSequenceModule, SEQUENCE_MODULES } from "./library-sequences.ts";

const devices = Object.values(testBackends).map((backend) => new Device(backend));

/** States up to ±9 go through several products, so errors of one product grow. */
const CLOSE = tolerated({ rtol: 1e-4, atol: 1e-5 });

const golden = readModuleCases();

for (const type of SEQUENCE_MODULES) {
  describe(`${type} agrees with PyTorch`, () => {
    golden.get(type)?.forEach((given, i) => {
      test(`${i + 1} ${given.desc || "sample"}, ${given.mode}, ${JSON.stringify(given.kwargs)}`, () => {
        for (const device of devices) {
          useDevice(device);
          check(type, given);
        }
      });
    });
  });
}

test("there are cases of every such module", () => {
  for (const type of SEQUENCE_MODULES) expect(golden.get(type)?.length, type).toBeGreaterThan(3);
});

function check(type: string, given: ModuleCase): void {
  const { module, call } = createSequenceModule(type, given);
  module.train(given.mode === "train").loadStateDict(unpackWeights(given.state));
  const unpackInput = sharingEqualOnes();
  const inputs = given.forward_args.map((argument) => tensorsIn(argument).map(unpackInput));
  const outputs = call(inputs, masksOf(given));
  expect(outputs.map(({ shape }) => shape)).toEqual(given.outputs.map(({ shape }) => shape));
  outputs.forEach((output, i) => {
    expectClose(output.data(), given.outputs[i], `output ${i}`);
  });

  // One pass back from all outputs: Σ output·cotangent.
  const weighted = outputs.flatMap((output, i) => {
    const cotangent = given.cotangents[i];
    return cotangent && output.requiresGrad ? [ops.sum(ops.mul(output, unpack(cotangent)))] : [];
  });
  if (weighted.length > 0) weighted.reduce((a, b) => ops.add(a, b)).backward();
  given.input_grads.forEach((gradient, i) => {
    expectClose(inputs[i]?.[0]?.grad?.data() ?? [], gradient, `gradient of input ${i}`);
  });
  checkParameters(module, given);
}

function checkParameters(module: Module, given: ModuleCase): void {
  const parameters = new Map(module.namedParameters());
  expect([...parameters.keys()]).toEqual(Object.keys(given.state));
  for (const [name, gradient] of Object.entries(given.param_grads)) {
    expectClose(parameters.get(name)?.grad?.data() ?? [], gradient, `gradient of ${name}`);
  }
}

/** Inputs with the same values were one tensor in PyTorch, too: self-attention, whose gradient is the sum of all uses. */
function sharingEqualOnes(): (packed: PackedTensor) => Tensor {
  const made = new Map<string, Tensor>();
  return (packed) => {
    const values = JSON.stringify(packed);
    const input = made.get(values) ?? unpack(packed, packed.dtype === "float32");
    made.set(values, input);
    return input;
  };
}

/** Masks and other named inputs; bool ones as 0 and 1. */
function masksOf(given: ModuleCase): Readonly<Record<string, Tensor>> {
  const named = Object.entries(given.forward_kwargs).flatMap(([name, value]) =>
    value && typeof value === "object"
      ? tensorsIn(value).map((packed): [string, Tensor] => [name, unpack(packed)])
      : [],
  );
  return Object.fromEntries(named);
}

function expectClose(values: ArrayLike<number>, expected: PackedTensor | undefined, what: string): void {
  expect(difference(values, expected ? valuesOf(expected) : [], CLOSE), what).toBeNull();
}
