/** Elementwise commands that threads run together, part by part. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Command, DeviceBuffer } from "../../../../src/engine/backend.ts";
import { chainsOf, splitChain } from "../../../../src/engine/backends/wasm/chains.ts";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";

const N = 1000;
const buffer = (address: number): DeviceBuffer => ({ address, bytes: N * 4 });
const [a, b, c] = [buffer(10_000), buffer(20_000), buffer(30_000)];
const unary = (name: InstructionName, out: DeviceBuffer, x: DeviceBuffer, n = N): Command => ({
  instruction: instructions[name],
  buffers: [out, x],
  params: [n],
});
/** `step` 0: one element of y for all. */
const mul = (out: DeviceBuffer, x: DeviceBuffer, y: DeviceBuffer, step = 1): Command => ({
  instruction: instructions.mul,
  buffers: [out, x, y],
  params: [1, N, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, step, 0, 0, 0, 0, 0],
});
const lengths = (commands: readonly Command[]): number[] => chainsOf(commands).map(({ length }) => length);

describe("a chain", () => {
  it("holds neighbours over the same elements, wherever their results lie", () => {
    expect(lengths([unary("exp", b, a), mul(b, b, a), unary("neg", a, b)])).toEqual([3]);
  });

  it("ends where the number of elements changes, or something is not elementwise", () => {
    expect(lengths([unary("exp", b, a), unary("neg", a, b, 999)])).toEqual([1, 1]);
    const sum = { instruction: instructions.sum, buffers: [c, b], params: [1, N, 1] };
    expect(lengths([unary("exp", b, a), sum, unary("neg", a, b)])).toEqual([1, 1, 1]);
  });

  it("ends where an element would be needed for others", () => {
    expect(lengths([unary("exp", b, a), mul(c, a, b, 0)])).toEqual([1, 1]);
    expect(lengths([mul(c, a, b, 0), unary("exp", b, a)])).toEqual([1, 1]);
  });

  it("ends where results lie across each other", () => {
    const shifted = buffer(b.address + 64);
    expect(lengths([unary("exp", c, b), unary("neg", shifted, a)])).toEqual([1, 1]);
    expect(lengths([unary("exp", b, a), unary("neg", c, shifted)])).toEqual([1, 1]);
  });

  it("is shared once all of it together is worth that, and each part goes through all of it", () => {
    const options = { threads: 2, leastWork: 1000, counters: a };
    expect(splitChain([unary("exp", b, a)], options)).toBeUndefined();
    expect(splitChain([unary("neg", b, a), unary("neg", c, b)], options)).toBeUndefined();
    const group = splitChain([unary("exp", b, a), unary("log", c, b)], options);
    expect(group?.parts.map((part) => part.map(({ instruction, params }) => [instruction.name, ...params]))).toEqual([
      [
        ["exp", 496],
        ["log", 496],
      ],
      [
        ["exp", 504],
        ["log", 504],
      ],
    ]);
  });
});

describe("programs with chains", () => {
  it("give the same bits on several threads as on one", async () => {
    const one = await createWasmBackend({ threads: 1 });
    const three = await createWasmBackend({ threads: 3, leastWork: 0 });
    const step = fc.record({
      how: fc.constantFrom<InstructionName>("exp", "neg", "relu", "mul", "sum"),
      operands: fc.array(fc.nat(4), { minLength: 3, maxLength: 3 }),
      step: fc.constantFrom(0, 1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const results = [one, three].map((backend) => {
          const buffers = Array.from({ length: 5 }, (_, k) => {
            const made = backend.allocate(N * 4);
            backend.write(
              made,
              Float32Array.from({ length: N }, (_, i) => Math.sin(i * (k + 1))),
            );
            return made;
          });
          const commands = steps.map(({ how, operands, step }): Command => {
            const [out = a, x = a, y = a] = operands.map((i) => buffers[i] ?? a);
            if (how === "mul") return mul(out, x, y === out ? x : y, y === out || x === out ? 1 : step);
            if (how === "sum")
              return { instruction: instructions.sum, buffers: [out, x === out ? y : x], params: [1, N, 1] };
            return unary(how, out, x);
          });
          const program = backend.compile(commands);
          program.run(1);
          program.dispose();
          const values = buffers.map((made) => Array.from(backend.read(made, new Float32Array(N))));
          for (const made of buffers) backend.free(made);
          return values;
        });
        expect(results[1]).toEqual(results[0]);
      }),
      { numRuns: 100 },
    );
    one.dispose();
    three.dispose();
  });
});
