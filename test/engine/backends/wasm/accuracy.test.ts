import { describe, expect, it } from "vitest";
import type { Backend } from "../../../../src/engine/backend.ts";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { ulpOf } from "../device-call.ts";
import { power, scalarFunctions } from "../scalar-functions.ts";
import { family } from "../views.ts";

const backend = await createWasmBackend();

/** Largest error allowed, in float32 units in the last place (a correctly rounded result is off by at most 0.5). */
const limits: Record<keyof typeof scalarFunctions, number> = {
  ...{ exp: 1.1, expm1: 1.6, log: 1, log1p: 1.2, sin: 0.51, cos: 0.51, tanh: 2.3, erf: 1.6, sigmoid: 2.5 },
};

/** Every 1021st float32 there is, and all around where functions change their mind. */
function sweep(): Float32Array {
  const bits = new Uint32Array(Math.ceil(2 ** 32 / 1021) + 40_000);
  let count = 0;
  for (let pattern = 0; pattern < 2 ** 32; pattern += 1021) bits[count++] = pattern;
  const edges = [
    0.25,
    0.34657359,
    0.5,
    0.625,
    0.92773438,
    1,
    Math.SQRT2,
    2,
    4,
    9.01,
    20,
    88.72284,
    103.97208,
    1e-38,
    2e8,
  ];
  for (const edge of edges.flatMap((x) => [x, -x])) {
    const [middle] = new Uint32Array(Float32Array.of(edge).buffer);
    for (let offset = -600; offset < 600; offset++) bits[count++] = middle! + offset;
  }
  return new Float32Array(bits.buffer, 0, count);
}

function apply(device: Backend, name: InstructionName, x: Float32Array): Float32Array {
  const [input, out] = [device.allocate(x.byteLength), device.allocate(x.byteLength)];
  device.write(input, x);
  device.run(instructions[name], [out, input], [x.length]);
  const result = device.read(out, new Float32Array(x.length));
  device.free(input);
  device.free(out);
  return result;
}

/** Infinite where one side is NaN or infinite and the other is not. */
function ulpError(got: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(got, rounded) && !Number.isFinite(rounded)) return 0;
  if (!Number.isFinite(got) || !Number.isFinite(rounded)) return Number.POSITIVE_INFINITY;
  return Math.abs(got - exact) / ulpOf(exact);
}

describe("functions of one float32", () => {
  const x = sweep();
  for (const name of Object.keys(scalarFunctions) as (keyof typeof scalarFunctions)[]) {
    it(`${name} stays within ${limits[name]} ulp over all numbers`, () => {
      const got = apply(backend, name, x);
      let worst = { error: 0, x: 0, got: 0 };
      for (let i = 0; i < x.length; i++) {
        const error = ulpError(got[i]!, scalarFunctions[name](x[i]!));
        if (error > worst.error) worst = { error, x: x[i]!, got: got[i]! };
      }
      expect(worst.error, `at ${worst.x}, where it gives ${worst.got}`).toBeLessThanOrEqual(limits[name]);
    }, 60_000);
  }

  it("keeps the sign of zero where C does", () => {
    for (const name of ["expm1", "log1p", "sin", "tanh", "erf", "sqrt", "neg"] as const) {
      const [zero, minusZero] = apply(backend, name, Float32Array.of(0, -0));
      expect([zero, minusZero], name).toEqual(name === "neg" ? [-0, 0] : [0, -0]);
    }
  });

  it("gives the same bits whether or not the machine fuses multiplications and additions", async () => {
    const strict = await createWasmBackend({ numerics: "strict" });
    const some = x.filter((_, i) => i % 100 === 0);
    for (const name of Object.keys(scalarFunctions) as (keyof typeof scalarFunctions)[]) {
      expect(Buffer.compare(bytes(apply(strict, name, some)), bytes(apply(backend, name, some))), name).toBe(0);
    }
  });
});

const bytes = (values: Float32Array) => new Uint8Array(values.buffer);

describe("pow", () => {
  const pow = (a: readonly number[], b: readonly number[]) => {
    const n = a.length;
    const buffers = [backend.allocate(n * 4), backend.allocate(n * 4), backend.allocate(n * 4)] as const;
    backend.write(buffers[1], Float32Array.from(a));
    backend.write(buffers[2], Float32Array.from(b));
    const ones = family("", [1]);
    const params = [1, ...Object.values(family("", [n])), ...Object.values(ones), ...Object.values(ones)];
    backend.run(instructions.pow, buffers, params);
    const result = Array.from(backend.read(buffers[0], new Float32Array(n)));
    for (const buffer of buffers) backend.free(buffer);
    return result;
  };

  it("stays within 0.51 ulp for bases and exponents of all sizes", () => {
    const bases = Array.from({ length: 300 }, (_, i) => Math.fround(2 ** ((i - 150) * 0.9) * (1 + i / 331)));
    const exponents = Array.from({ length: 201 }, (_, i) => Math.fround((i - 100) * 0.377));
    const pairs = bases.flatMap((a) => exponents.map((b) => [a, b] as const));
    const got = pow(
      pairs.map(([a]) => a),
      pairs.map(([, b]) => b),
    );
    const worst = pairs.reduce((most, [a, b], i) => Math.max(most, ulpError(got[i]!, a ** b)), 0);
    expect(worst).toBeLessThanOrEqual(0.51);
  });

  it("treats special operands as C does", () => {
    const values = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -8, 2 ** 24 + 2, 1e30, Number.NaN];
    values.push(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));
    const got = pow(
      pairs.map(([a]) => a),
      pairs.map(([, b]) => b),
    );
    for (const [i, [a, b]] of pairs.entries()) {
      expect(ulpError(got[i]!, power(a, b)), `${a} to the power of ${b} is not ${got[i]}`).toBeLessThanOrEqual(0.51);
    }
  });
});

describe("sums", () => {
  it("a million times 0.1 loses nothing", () => {
    const n = 2 ** 20;
    const [x, out] = [backend.allocate(n * 4), backend.allocate(8)];
    backend.run(instructions.fill, [x], [n, 0.1]);
    for (const [outer, length, inner] of [
      [1, n, 1],
      [1, n / 2, 2],
    ]) {
      backend.run(instructions.sum, [out, x], [outer!, length!, inner!]);
      const [sum] = backend.read(out, new Float32Array(1));
      expect(Math.abs(sum! - Math.fround(0.1) * length!) / sum!).toBeLessThan(1e-7);
    }
    backend.free(x);
    backend.free(out);
  });
});
