/** Captured programs: the bits of eager work, in memory that they share. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  createWasmBackend,
  Device,
  ops,
  scope,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from "../../src/engine/index.ts";
import { backend, device } from "./device-of-the-tests.ts";

const unaries = [ops.exp, ops.neg, ops.relu, ops.sigmoid, (x: Tensor) => ops.sum(x, 0, true)];
const binaries = [ops.add, ops.mul, ops.maximum];

/** Each number says which earlier results the next one is made of, and how. */
function chain(x: Tensor, picks: readonly (readonly [number, number, number])[]): Tensor {
  const made = [x, ops.mul(x, 0.5)];
  for (const [how, left, right] of picks) {
    const [a, b] = [made[left % made.length] ?? x, made[right % made.length] ?? x];
    const unary = unaries[how];
    made.push(unary ? unary(a) : (binaries[how - unaries.length]?.(a, b) ?? a));
  }
  return made.reduce((sum, one) => ops.add(sum, one));
}

test("whatever shares memory, a program gives the bits of eager work", () => {
  const pick = fc.tuple(fc.nat(unaries.length + binaries.length - 1), fc.nat(), fc.nat());
  fc.assert(
    fc.property(fc.array(pick, { maxLength: 12 }), (picks) => {
      const x = tensor(
        Float32Array.from({ length: 21 }, (_, i) => Math.sin(i)),
        [3, 7],
      );
      const eager = scope(() => chain(x, picks));
      const out = device.store(new Float32Array(21));
      const program = device.capture(() => device.run("copy", [out.buffer, chain(x, picks).storage.buffer], [21]));
      program.run(2);
      expect(backend.read(out.buffer, new Float32Array(21))).toEqual(eager.data());
      program.dispose();
    }),
    { numRuns: 60 },
  );
});

test("programs of a device share one arena, and find it again when it has moved", async () => {
  const own = await createWasmBackend();
  const other = useDevice(new Device(own));
  try {
    const out = other.store(new Float32Array(1));
    const sums = (n: number) =>
      other.capture(() => {
        const total = ops.sum(ops.exp(ops.mul(zeros([n]), 2)));
        other.run("copy", [out.buffer, total.storage.buffer], [1]);
      });
    const value = (): number => own.read(out.buffer, new Float32Array(1))[0] ?? Number.NaN;
    const small = sums(1000);
    const before = own.memory.live;
    const large = sums(5000);
    expect(own.memory.live - before).toBeLessThan(5000 * 4);
    small.run(1);
    expect(value()).toBe(1000);
    large.run(1);
    expect(value()).toBe(5000);
    small.dispose();
    large.run(1);
    expect(value()).toBe(5000);
    large.dispose();
    expect(own.memory.live).toBeLessThan(before);
  } finally {
    useDevice(device);
  }
});

test("running a program allocates nothing", () => {
  const out = device.store(new Float32Array(1));
  const program = device.capture(() => {
    const total = ops.sum(ops.exp(zeros([3000])));
    device.run("addInPlace", [out.buffer, total.storage.buffer], [1]);
  });
  const before = backend.memory.live;
  const allocate = vi.spyOn(backend, "allocate");
  program.run(100);
  expect(allocate).not.toHaveBeenCalled();
  allocate.mockRestore();
  expect(backend.memory.live).toBe(before);
  expect(backend.read(out.buffer, new Float32Array(1))).toEqual(Float32Array.of(300_000));
  program.dispose();
});

test("a value can't be read while a step is captured, and the message says what to do", () => {
  expect(() => device.capture(() => void zeros([1]).item())).toThrow(/computes nothing yet.*run the step eagerly/);
});
