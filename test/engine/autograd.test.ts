/** What backward() promises, apart from the derivatives themselves. */
import { expect, test } from "vitest";
import { grad, Linear, noGrad, ops, scope, Tensor, tensor, zeros } from "../../src/engine/index.ts";
import { backend, device } from "./device-of-the-tests.ts";

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });
const values = (t: Tensor | null | undefined): number[] => Array.from(t?.data() ?? []);

test("a value used twice gets the sum of both gradients", () => {
  const x = leaf([1, 2, 3]);
  x.mul(x).add(x).sum().backward();
  expect(values(x.grad)).toEqual([3, 5, 7]);
});

test("gradients add up over calls until they are zeroed", () => {
  const x = leaf([1, 2]);
  x.mul(3).sum().backward();
  x.mul(4).sum().backward();
  expect(values(x.grad)).toEqual([7, 7]);
  x.zeroGrad();
  expect(x.grad).toBeNull();
});

test("two leaves that share one gradient don't share its memory", () => {
  const a = leaf([1, 1]);
  const b = leaf([1, 1]);
  a.add(b).sum().backward();
  a.mul(5).sum().backward();
  expect(values(a.grad)).toEqual([6, 6]);
  expect(values(b.grad)).toEqual([1, 1]);
});

test("a scalar leaf may be its own output", () => {
  const x = tensor(3, { requiresGrad: true });
  x.backward();
  x.mul(2).backward();
  expect(x.grad?.item()).toBe(3);
});

test("broadcast operands get gradients of their own shape", () => {
  const column = tensor([[1], [2]], { requiresGrad: true });
  const row = leaf([1, 2, 3]);
  column.mul(row).sum().backward();
  expect(column.grad?.shape).toEqual([2, 1]);
  expect(values(column.grad)).toEqual([6, 6]);
  expect(values(row.grad)).toEqual([3, 3, 3]);
});

test("nothing is remembered inside noGrad", () => {
  const x = leaf([1]);
  const y = noGrad(() => x.mul(2));
  expect(y.requiresGrad).toBe(false);
  expect(() => y.backward()).toThrow("needs no gradient");
});

test("a tensor that is not a scalar says what backward wants", () => {
  expect(() => leaf([1, 2]).mul(2).backward()).toThrow("wants a scalar, and this tensor has shape [2]");
});

test("detach cuts the graph", () => {
  const x = leaf([2]);
  x.mul(x.detach()).sum().backward();
  expect(values(x.grad)).toEqual([2]);
});

test("the gradient of a gradient: d³(x⁴)/dx³ = 24x", () => {
  const x = leaf([1.5, -2]);
  let y = x.mul(x).mul(x.mul(x)).sum();
  for (let i = 0; i < 3; i++) {
    const [next] = grad(y, [x], undefined, { createGraph: true });
    y = (next ?? zeros([1])).sum();
    if (i === 2) expect(values(next)).toEqual([36, -48]);
  }
});

test("grad gives null for what the output does not depend on, and leaves .grad alone", () => {
  const x = leaf([1]);
  const other = leaf([1]);
  expect(grad(x.mul(2).sum(), [x, other]).map((g) => g && values(g))).toEqual([[2], null]);
  expect(x.grad).toBeNull();
});

test("a graph of 20,000 operations does not overflow the stack", () => {
  const x = leaf([1]);
  let y: Tensor = x;
  for (let i = 0; i < 20_000; i++) y = y.add(0.5);
  y.sum().backward();
  expect(values(x.grad)).toEqual([1]);
});

test("a scope frees what was made in it, but not its result", () => {
  const before = backend.memory.live;
  const kept = scope(() => {
    const x = leaf([1, 2, 3]);
    return x.exp().mul(2).sum();
  });
  expect(Number.isFinite(kept.item())).toBe(true);
  // Constants stay; of the rest only the result does.
  expect(backend.memory.live - before).toBeLessThan(64);
});

test("reading a freed tensor says why it is gone", () => {
  let inside: Tensor | undefined;
  scope(() => {
    inside = tensor([1, 2]);
  });
  expect(() => inside?.data()).toThrow("memory has been freed: by the scope()");
});

test("a thousand steps in scopes leave memory where it was", () => {
  const model = new Linear(8, 4);
  const x = zeros([16, 8]);
  const step = () =>
    scope(() => {
      model.zeroGrad();
      model.forward(x).square().mean().backward();
      model.zeroGrad();
    });
  step();
  const before = backend.memory.live;
  for (let i = 0; i < 1000; i++) step();
  expect(backend.memory.live).toBe(before);
});

test("backward frees the gradients in between as it goes", () => {
  const x = tensor(new Float32Array(1000), { requiresGrad: true });
  scope(() => {
    let y: Tensor = x;
    for (let i = 0; i < 50; i++) y = y.tanh();
    const loss = y.sum();
    const before = backend.memory.live;
    loss.backward();
    // Fifty gradients of 4,000 bytes were made; the leaf's own is left.
    expect(backend.memory.live - before).toBeLessThan(3 * 4096);
  });
});

test("a captured step repeats with what its buffers hold by then", () => {
  const x = tensor([1, 2, 3]);
  const total = device.store(new Float32Array(3));
  const program = device.capture(() => {
    const y = ops.exp(ops.mul(x, 0.5));
    device.run("addInPlace", [total.buffer, y.storage.buffer], [3]);
  });
  const once = backend.read(total.buffer, new Float32Array(3));
  backend.write(x.storage.buffer, Float32Array.of(0, 0, 0));
  program.run(2);
  const after = backend.read(total.buffer, new Float32Array(3));
  expect(Array.from(after, (v, i) => v - (once[i] ?? 0))).toEqual([2, 2, 2].map((v) => expect.closeTo(v, 5)));
  program.dispose();
});

test("a tensor made from the host inside a captured step keeps its values", () => {
  const out = device.store(new Float32Array(2));
  const program = device.capture(() => {
    const constant = tensor([3, 4]);
    const noise = ops.mul(constant, 10);
    device.run("copy", [out.buffer, noise.storage.buffer], [2]);
  });
  backend.write(out.buffer, new Float32Array(2));
  program.run(1);
  expect(Array.from(backend.read(out.buffer, new Float32Array(2)))).toEqual([30, 40]);
  program.dispose();
});

test("a failed capture leaves the device usable and its memory free", () => {
  const before = backend.memory.live;
  expect(() =>
    device.capture(() => {
      zeros([100]);
      throw new Error("boom");
    }),
  ).toThrow("boom");
  expect(backend.memory.live).toBe(before);
  expect(tensor([1, 2]).sum().item()).toBe(3);
});

test("shapes that do not fit are named", () => {
  expect(() => zeros([2, 3]).add(zeros([4]))).toThrow("add can't broadcast [2, 3] with [4]");
  expect(() => zeros([2, 3]).matmul(zeros([4, 2]))).toThrow("the inner sizes 3 and 4 must be equal");
  expect(() => zeros([2, 3]).reshape([4, -1])).toThrow("[2, 3] (6 elements) can't become [4, -1]");
  expect(() => tensor([[1, 2], [3]])).toThrow("ragged");
  expect(() => new Linear(3, 1).forward(zeros([2, 4]))).toThrow("takes 3 features");
});

test("instanceof works for results", () => {
  expect(zeros([1]).add(1)).toBeInstanceOf(Tensor);
});
