import { describe, expect, it } from "vitest";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";

const backend = await createWasmBackend();

function draw(name: InstructionName, n: number, params: readonly number[], state = [1, 2, 3, 0]): Float32Array {
  const [out, stream] = [backend.allocate(n * 4), backend.allocate(32)];
  backend.write(stream, Int32Array.from(state.flatMap((word) => [word, 0])));
  backend.run(instructions[name], [out, stream], [n, ...params]);
  const drawn = backend.read(out, new Float32Array(n));
  backend.free(out);
  backend.free(stream);
  return drawn;
}

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;

describe("random numbers", () => {
  it("are the known answers of Philox4x32-10, upper 24 bits first", () => {
    const words = [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8];
    const drawn = Array.from(draw("randomUniform", 4, [0, 1], [0, 0, 0, 0]));
    expect(drawn).toEqual(words.map((word) => (word >>> 8) / 2 ** 24));
  });

  it("are the same for a part of a call as for the whole", () => {
    const whole = draw("randomNormal", 1000, [0, 1]);
    for (const n of [1, 2, 3, 5, 999]) expect(draw("randomNormal", n, [0, 1])).toEqual(whole.subarray(0, n));
  });

  it("differ from call to call, from stream to stream and from seed to seed", () => {
    const states = [
      [1, 2, 3, 0],
      [1, 2, 3, 1],
      [1, 2, 4, 0],
      [9, 2, 3, 0],
      [1, 9, 3, 0],
    ];
    const firsts = states.map((state) => draw("randomUniform", 8, [0, 1], state).join());
    expect(new Set(firsts).size).toBe(states.length);
  });

  it("are spread evenly, or as a bell", () => {
    const uniform = draw("randomUniform", 200_000, [-1, 3]);
    expect(mean(uniform)).toBeCloseTo(1, 1);
    expect(Math.min(...uniform.subarray(0, 50_000))).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...uniform.subarray(0, 50_000))).toBeLessThan(3);
    const normal = draw("randomNormal", 200_000, [2, 3]);
    const centre = mean(normal);
    expect(centre).toBeCloseTo(2, 1);
    expect(Math.sqrt(mean(normal.map((x) => (x - centre) ** 2)))).toBeCloseTo(3, 1);
    expect(mean(normal.map((x) => Number(Math.abs(x - 2) < 3)))).toBeCloseTo(0.6827, 2);
  });

  it("keep what a dropout mask promises: zeros with probability p, and the same mean", () => {
    const mask = draw("dropoutMask", 200_000, [0.25]);
    expect(mean(mask)).toBeCloseTo(1, 2);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    expect(draw("dropoutMask", 9, [1])).toEqual(new Float32Array(9));
    expect(draw("dropoutMask", 9, [0])).toEqual(new Float32Array(9).fill(1));
  });

  it("shuffle without losing anyone, every order as likely as another", () => {
    const counts = new Map<string, number>();
    const [out, stream] = [backend.allocate(12), backend.allocate(32)];
    backend.write(stream, Int32Array.of(7, 0, 8, 0, 9, 0, 0, 0));
    for (let i = 0; i < 6000; i++) {
      backend.run(instructions.randomPermutation, [out, stream], [3]);
      const order = backend.read(out, new Int32Array(3)).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted()).toEqual(["012", "021", "102", "120", "201", "210"]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(Array.from(backend.read(stream, new Int32Array(8)))).toEqual([7, 0, 8, 0, 9, 0, 6000, 0]);
  });
});
