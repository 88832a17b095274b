import { describe, expect, it } from "vitest";
import { type DeviceBuffer, OutOfMemoryError } from "../../../../src/engine/backend.ts";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { instructions } from "../../../../src/engine/instructions.ts";

const backend = await createWasmBackend();

function bufferOf(...values: number[]): DeviceBuffer {
  const buffer = backend.allocate(values.length * 4);
  backend.write(buffer, Float32Array.from(values));
  return buffer;
}

const valuesOf = (buffer: DeviceBuffer) => Array.from(backend.read(buffer, new Float32Array(buffer.bytes / 4)));

describe("createWasmBackend", () => {
  it("says which kernels it runs, and keeps to plain SIMD when numerics are strict", async () => {
    expect(backend.name).toBe("wasm");
    expect(["simd", "relaxed-simd"]).toContain(backend.variant);
    expect((await createWasmBackend({ numerics: "strict" })).variant).toBe("simd");
  });

  it("writes, runs and reads", () => {
    const [x, out] = [bufferOf(1, 4, 9, 16, 25), bufferOf(0, 0, 0, 0, 0)];
    backend.run(instructions.sqrt, [out, x], [5]);
    expect(valuesOf(out)).toEqual([1, 2, 3, 4, 5]);
  });

  it("moves whole numbers and float64 at any aligned offset", () => {
    const buffer = backend.allocate(64);
    backend.write(buffer, Int32Array.of(-5, 6), 4);
    backend.write(buffer, Float64Array.of(Math.PI), 16);
    expect(Array.from(backend.read(buffer, new Int32Array(2), 4))).toEqual([-5, 6]);
    expect(Array.from(backend.read(buffer, new Float64Array(1), 16))).toEqual([Math.PI]);
    const long = Float32Array.from({ length: 1000 }, (_, i) => i);
    const wide = backend.allocate(8000);
    backend.write(wide, long, 400);
    expect(backend.read(wide, new Float32Array(1000), 400)).toEqual(long);
  });

  it("refuses to read or write outside of a buffer", () => {
    const buffer = backend.allocate(16);
    expect(() => backend.write(buffer, new Float32Array(5))).toThrow("5 elements of 4 bytes at byte 0");
    expect(() => backend.read(buffer, new Float32Array(2), 12)).toThrow("buffer of 16 bytes");
    expect(() => backend.read(buffer, new Float32Array(1), -4)).toThrow(RangeError);
    expect(() => backend.read(buffer, new Float32Array(1), 2)).toThrow(RangeError);
  });

  it("counts live bytes and their peak", async () => {
    const own = await createWasmBackend();
    expect(own.memory).toEqual({ live: 0, peak: 0 });
    const [a, b] = [own.allocate(1000), own.allocate(24)];
    own.free(a);
    expect(own.memory).toEqual({ live: 24, peak: 1024 });
    own.free(b);
    expect(own.memory).toEqual({ live: 0, peak: 1024 });
  });

  it("keeps contents while its memory grows", async () => {
    const own = await createWasmBackend();
    const first = own.allocate(12);
    own.write(first, Float32Array.of(1, 2, 3));
    const large = own.allocate(50_000_000);
    own.run(instructions.fill, [large], [12_500_000, 7]);
    expect(Array.from(own.read(first, new Float32Array(3)))).toEqual([1, 2, 3]);
    expect(own.read(large, new Float32Array(1), 49_999_996)[0]).toBe(7);
  });

  it("reaches memory beyond 2 GiB", async () => {
    const own = await createWasmBackend();
    const low = own.allocate(2 ** 31 - 2 ** 23);
    const high = own.allocate(2 ** 24);
    expect(high.address + high.bytes).toBeGreaterThan(2 ** 31);
    const n = high.bytes / 4;
    own.run(instructions.fill, [high], [n, 3]);
    own.run(instructions.square, [high, high], [n]);
    expect(own.read(high, new Float32Array(1), high.bytes - 4)[0]).toBe(9);
    own.free(low);
  });

  it("says so when there is no room, and goes on", async () => {
    const own = await createWasmBackend({ maxBytes: 8_000_000 });
    const held = own.allocate(4_000_000);
    expect(() => own.allocate(6_000_000)).toThrow(OutOfMemoryError);
    expect(() => own.allocate(6_000_000)).toThrow("6000000 bytes asked for, 4000000 of");
    expect(() => own.allocate(2 ** 40)).toThrow(OutOfMemoryError);
    own.free(held);
    own.free(own.allocate(4_000_000));
  });

  it("notices a buffer that is freed twice, or used after that", () => {
    const [x, out] = [bufferOf(1), bufferOf(0)];
    backend.free(x);
    expect(() => backend.free(x)).toThrow("freed before");
    expect(() => backend.run(instructions.neg, [out, x], [1])).toThrow('Instruction neg: buffer "x" has been freed');
    expect(() => backend.read(x, new Float32Array(1))).toThrow("freed");
    expect(() => backend.free({ address: 4096, bytes: 4 })).toThrow("not one that this backend allocated");
  });

  it("notices a wrong number of operands", () => {
    const x = bufferOf(1);
    expect(() => backend.run(instructions.neg, [x], [1])).toThrow(
      "Instruction neg takes 2 buffers (out, x) and 1 parameters (n), but got 1 buffers and 1 parameters.",
    );
    expect(() => backend.run(instructions.neg, [x, x], [])).toThrow(TypeError);
    expect(() => backend.compile([{ instruction: instructions.neg, buffers: [x], params: [1] }])).toThrow(TypeError);
  });

  it("accepts no impossible sizes", () => {
    expect(() => backend.allocate(-1)).toThrow(RangeError);
    expect(() => backend.allocate(1.5)).toThrow(RangeError);
    backend.free(backend.allocate(0));
  });
});

describe("a program", () => {
  it("runs its commands in order, as often as asked", () => {
    const [x, step] = [bufferOf(1, 2, 3), bufferOf(10, 10, 10)];
    const program = backend.compile([
      { instruction: instructions.addInPlace, buffers: [x, step], params: [3] },
      { instruction: instructions.neg, buffers: [x, x], params: [3] },
    ]);
    expect(program.commands).toBe(2);
    program.run(3);
    expect(valuesOf(x)).toEqual([-11, -12, -13]);
    program.run(0);
    expect(valuesOf(x)).toEqual([-11, -12, -13]);
    program.dispose();
    expect(() => program.run(1)).toThrow("disposed");
  });

  it("may be empty", () => {
    const program = backend.compile([]);
    program.run(5);
    program.dispose();
  });

  it("carries float32 and float64 parameters exactly", () => {
    const total = backend.allocate(8);
    backend.write(total, Float64Array.of(0));
    const one = bufferOf(1);
    const program = backend.compile([
      { instruction: instructions.accumulate, buffers: [total, one], params: [Math.E] },
      { instruction: instructions.fill, buffers: [one], params: [1, 0.1] },
    ]);
    program.run(1);
    expect(backend.read(total, new Float64Array(1))[0]).toBe(Math.E);
    expect(valuesOf(one)).toEqual([Math.fround(0.1)]);
    program.dispose();
  });
});
