/** What every way to a GPU must do: memory, order, programs, errors. What the kernels compute is tested beside this. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Command, type DeviceBuffer, OutOfMemoryError } from "../../../../src/engine/backend.ts";
import type { GpuBackend } from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import { instructions } from "../../../../src/engine/instructions.ts";
import { stridedParams } from "../../../../src/engine/ops/op.ts";
import { lines, open } from "./lines.ts";

describe.each(Object.entries(lines))("a GPU by %s", (_, options) => {
  let backend: GpuBackend;
  beforeAll(async () => {
    backend = await open(options);
  });
  afterAll(() => backend.dispose());

  const stored = (...values: number[]): DeviceBuffer => {
    const buffer = backend.allocate(values.length * 4);
    backend.write(buffer, Float32Array.from(values));
    return buffer;
  };
  const floats = (buffer: DeviceBuffer): number[] => [...backend.read(buffer, new Float32Array(buffer.bytes / 4))];
  const double = (buffer: DeviceBuffer): Command => ({
    instruction: instructions.addInPlace,
    buffers: [buffer, buffer],
    params: [buffer.bytes / 4],
  });

  it("says in which mode it runs, and on what", () => {
    expect(backend.name).toBe("gpu");
    expect(backend.variant).toBe(options.mode);
    expect(backend.facts.adapter).not.toBe("");
  });

  it("gives back what was written, of each type, and at an offset", () => {
    const buffer = backend.allocate(32);
    backend.write(buffer, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    backend.write(buffer, Int32Array.of(-7, 70_000), 8);
    backend.write(buffer, Float64Array.of(1 / 3), 16);
    expect([...backend.read(buffer, new Float32Array(2))]).toEqual([1, 2]);
    expect([...backend.read(buffer, new Int32Array(2), 8)]).toEqual([-7, 70_000]);
    expect(backend.read(buffer, new Float64Array(1), 16)[0]).toBeCloseTo(1 / 3, 14);
    expect([...backend.read(buffer, new Float32Array(2), 24)]).toEqual([7, 8]);
    backend.free(buffer);
  });

  it("moves large arrays whole", () => {
    const values = Float32Array.from({ length: 300_000 }, (_, i) => i);
    const buffer = backend.allocate(values.byteLength);
    backend.write(buffer, values);
    expect(backend.read(buffer, new Float32Array(values.length))).toEqual(values);
    backend.free(buffer);
  });

  it("does what it is told in the order in which it is told", () => {
    const a = stored(1, 2, 3);
    const b = backend.allocate(12);
    backend.run(instructions.square, [b, a], [3]);
    backend.write(a, Float32Array.of(10, 10, 10));
    backend.run(instructions.addInPlace, [a, b], [3]);
    expect(floats(a)).toEqual([11, 14, 19]);
    expect(floats(b)).toEqual([1, 4, 9]);
  });

  it("takes the same buffer for two operands", () => {
    const x = stored(1, 2, 3);
    const out = backend.allocate(12);
    backend.run(instructions.mul, [out, x, x], stridedParams("mul", [3], [[1], [1]]));
    expect(floats(out)).toEqual([1, 4, 9]);
  });

  it("runs a program as often as told, and as eager instructions would", () => {
    const eager = stored(1, 2.5, -3);
    const compiled = stored(1, 2.5, -3);
    const program = backend.compile([double(compiled), double(compiled)]);
    expect(program.commands).toBe(2);
    program.run(0);
    program.run(3);
    for (let i = 0; i < 6; i++) backend.run(...operands(double(eager)));
    expect(floats(compiled)).toEqual([64, 160, -192]);
    expect(floats(eager)).toEqual(floats(compiled));
    program.dispose();
    expect(() => program.run(1)).toThrow("This program has been disposed of.");
  });

  it("runs programs longer than what is sent to a GPU at once", () => {
    const total = stored(0);
    const one = stored(1);
    const add: Command = { instruction: instructions.addInPlace, buffers: [total, one], params: [1] };
    const program = backend.compile([add, add, add]);
    program.run(700);
    expect(floats(total)).toEqual([2100]);
  });

  it("works on stretches of an allocation, as planned steps do", () => {
    const arena = backend.allocate(1024);
    const at = (offset: number): DeviceBuffer => ({ address: arena.address + offset, bytes: 12 });
    backend.write(at(256), Float32Array.of(1, 2, 3));
    const program = backend.compile([
      { instruction: instructions.square, buffers: [at(512), at(256)], params: [3] },
      { instruction: instructions.neg, buffers: [at(0), at(512)], params: [3] },
    ]);
    program.run(1);
    expect(floats(at(0))).toEqual([-1, -4, -9]);
    expect(floats(at(512))).toEqual([1, 4, 9]);
    backend.free(arena);
  });

  it("counts what is live, and what was at most", () => {
    const before = backend.memory.live;
    const buffer = backend.allocate(1_000_000);
    expect(backend.memory.live).toBe(before + 1_000_000);
    backend.free(buffer);
    expect(backend.memory.live).toBe(before);
    expect(backend.memory.peak).toBeGreaterThanOrEqual(before + 1_000_000);
  });

  it("uses the memory of freed buffers again without mixing them up", () => {
    for (let i = 0; i < 200; i++) {
      const a = stored(i, i + 1);
      const b = stored(2 * i, 2 * i + 2);
      backend.run(instructions.addInPlace, [a, b], [2]);
      backend.free(b);
      expect(floats(a)).toEqual([3 * i, 3 * i + 3]);
      backend.free(a);
    }
  });

  it("says what is wrong with a call", () => {
    const buffer = backend.allocate(8);
    expect(() => backend.read(buffer, new Float32Array(3))).toThrow(
      /3 elements of 4 bytes at byte 0 do not lie within/,
    );
    expect(() => backend.run(instructions.copy, [buffer], [2])).toThrow(
      /copy takes 2 buffers and 1 parameters, but got 1/,
    );
    expect(() => backend.allocate(-1)).toThrow("A buffer can't have -1 bytes.");
    expect(() => backend.free({ address: 0, bytes: 4 })).toThrow("not one that this backend allocated");
    backend.free(buffer);
    expect(() => backend.free(buffer)).toThrow(/freed before/);
    expect(() => backend.write(buffer, new Float32Array(1))).toThrow("This buffer has been freed.");
    expect(() => backend.run(instructions.copy, [buffer, buffer], [2])).toThrow(/buffer 0 has been freed/);
  });

  it("says when there is no more memory", async () => {
    const small = await open({ ...options, maxBytes: 1000 });
    small.allocate(600);
    expect(() => small.allocate(600)).toThrow(OutOfMemoryError);
    await small.dispose();
    expect(() => backend.allocate(2 ** 45)).toThrow(OutOfMemoryError);
  });

  it("is there twice", async () => {
    const other = await open(options);
    const theirs = other.allocate(4);
    const ours = stored(5);
    other.write(theirs, Float32Array.of(6));
    other.run(...operands(double(theirs)));
    expect(floats(ours)).toEqual([5]);
    expect([...other.read(theirs, new Float32Array(1))]).toEqual([12]);
    await other.dispose();
    expect(floats(ours)).toEqual([5]);
  });

  const operands = ({ instruction, buffers, params }: Command) => [instruction, buffers, params] as const;
});
