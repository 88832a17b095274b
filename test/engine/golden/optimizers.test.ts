/** Every optimizer against PyTorch, argument by argument: weights after each of a few steps, and its state at the end. */
import { expect, test } from "vitest";
import { Device, optimizers, Parameter, useDevice } from "../../../src/engine/index.ts";
import { testBackends, tolerated } from "../backends-of-the-tests.ts";
import { difference, type Tolerance } from "./closeness.ts";
import {
  type OptimizerCase,
  type OptimizerPack,
  type PackedTensor,
  readOptimizerPacks,
  unpack,
  valuesOf,
} from "./golden-cases.ts";

const devices = Object.values(testBackends).map((backend) => new Device(backend));

const CLOSE = tolerated({ rtol: 2e-6, atol: 2e-7 });
/** PyTorch's Muon computes in bfloat16, which has 8 bits; Adafactor's steps are quotients of means. */
const TOLERANCES: Readonly<Record<string, Tolerance>> = {
  Muon: tolerated({ rtol: 1e-2, atol: 1e-4 }),
  Adafactor: tolerated({ rtol: 1e-5, atol: 1e-6 }),
};

for (const pack of readOptimizerPacks()) {
  pack.cases.forEach((given, i) => {
    test(`${given.optimizer} agrees with PyTorch: ${i + 1} ${JSON.stringify(given.kwargs)}`, () => {
      for (const device of devices) {
        useDevice(device);
        check(pack, given);
      }
    });
  });
}

test("every optimizer of the engine has cases", () => {
  const covered = new Set(readOptimizerPacks().flatMap(({ cases }) => cases.map(({ optimizer }) => optimizer)));
  // PyTorch has no Lion; its instruction is compared with the paper's formulas in test/engine/backends.
  expect([...optimizers.keys()].filter((type) => !covered.has(type))).toEqual(["Lion"]);
});

function check(pack: OptimizerPack, given: OptimizerCase): void {
  const definition = optimizers.get(given.optimizer);
  if (!definition) throw new Error(`The engine has no ${given.optimizer}.`);
  const close = TOLERANCES[given.optimizer] ?? CLOSE;
  // Muon's cases have the matrix alone.
  const parameters = pack.params.slice(0, given.state.length).map(parameterFrom);
  const optimizer = definition.create(parameters, definition.args.parse(given.kwargs));
  given.params_after_each_step.forEach((expected, step) => {
    parameters.forEach((parameter, p) => {
      parameter.grad = unpack(pack.grads[step]?.[p] ?? missing("gradient"));
    });
    optimizer.step();
    expected.forEach((values, p) => {
      const found = parameters[p]?.data() ?? [];
      expect(difference(found, valuesOf(values), close), `parameter ${p} after step ${step + 1}`).toBeNull();
    });
  });

  const state = optimizer.stateDict();
  given.state.forEach((tensors, p) => {
    for (const [name, values] of Object.entries(tensors)) {
      const found = state.get(`${p}.${name}`) ?? [];
      expect(difference(found, valuesOf(values), close), `${name} of parameter ${p}`).toBeNull();
    }
  });
}

function parameterFrom(packed: PackedTensor): Parameter {
  const parameter = new Parameter({ shape: packed.shape, init: { distribution: "constant", value: 0 } });
  parameter.device.backend.write(parameter.storage.buffer, Float32Array.from(valuesOf(packed)));
  return parameter;
}

function missing(what: string): never {
  throw new Error(`The fixture lacks a ${what}.`);
}
