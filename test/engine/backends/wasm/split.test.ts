import { describe, expect, it } from "vitest";
import type { DeviceBuffer } from "../../../../src/engine/backend.ts";
import { LEAST_WORK, type SplitOptions, split } from "../../../../src/engine/backends/wasm/split.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";

const buffer = (address: number): DeviceBuffer => ({ address, bytes: 64 });
const options: SplitOptions = { threads: 4, leastWork: LEAST_WORK, counters: buffer(64) };

/** Of an instruction whose buffers lie at 1,000,000, 2,000,000, …: its parts. */
function partsOf(name: InstructionName, params: readonly number[], given: Partial<SplitOptions> = {}) {
  const instruction = instructions[name];
  const buffers = Array.from({ length: instruction.bufferCount }, (_, i) => buffer((i + 1) * 1_000_000));
  const [group] = split(instruction, buffers, params, { ...options, ...given }) ?? [];
  if (!group || !("parts" in group)) return [];
  return group.parts.map((commands) => commands.at(-1)!);
}

describe("split", () => {
  it("leaves what is small to one thread", () => {
    expect(partsOf("relu", [10_000])).toEqual([]);
    expect(partsOf("matmul", [32, 64, 64, 0, 0, 1, 0, 0])).toEqual([]);
    expect(partsOf("adam", [5000, 0])).toEqual([]);
  });

  it("gives each thread enough to do, and no more threads than there are", () => {
    expect(partsOf("tanh", [36_000])).toHaveLength(3);
    expect(partsOf("tanh", [2_000_000])).toHaveLength(4);
    expect(partsOf("tanh", [2_000_000], { threads: 2 })).toHaveLength(2);
    // Three rows are no work for four.
    expect(partsOf("gatherRows", [3, 1_000_000])).toHaveLength(3);
  });

  it("cuts elements at whole cache lines", () => {
    const parts = partsOf("relu", [1_000_003], { threads: 3 });
    expect(parts.map(({ params }) => params)).toEqual([[333_328], [333_344], [333_331]]);
    expect(parts.map(({ buffers }) => buffers.map(({ address }) => address))).toEqual([
      [1_000_000, 2_000_000],
      [2_333_312, 3_333_312],
      [3_666_688, 4_666_688],
    ]);
  });

  it("cuts a product by what it has more of, rows or columns", () => {
    const windows = (m: number, n: number) =>
      partsOf("linear", [m, n, 500], { threads: 2 }).map((c) => c.params.slice(3));
    expect(windows(1000, 100)).toEqual([
      [0, 500, 0, 100],
      [500, 500, 0, 100],
    ]);
    expect(windows(100, 1000)).toEqual([
      [0, 100, 0, 496],
      [0, 100, 496, 504],
    ]);
  });

  it("counts a step once, whatever the number of parts", () => {
    const { adam } = instructions;
    const buffers = Array.from({ length: adam.bufferCount }, (_, i) => buffer((i + 1) * 1_000_000));
    const step = adam.updates.indexOf("step");
    const [group, after] = split(adam, buffers, [1_000_000, 1], options) ?? [];
    const counters = group && "parts" in group ? group.parts.map((part) => part.at(-1)?.buffers[step]?.address) : [];
    expect(counters).toEqual([64, 128, 192, 256]);
    expect(after).toEqual({ instruction: adam, buffers, params: [0, 1] });
  });

  it("notices a freed buffer before it is moved", () => {
    expect(() => split(instructions.relu, [buffer(64), buffer(0)], [1_000_000], options)).toThrow(
      'Instruction relu: buffer "x" has been freed',
    );
  });
});
