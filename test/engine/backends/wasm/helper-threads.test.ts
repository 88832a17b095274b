import { execFile } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import type { Program } from "../../../../src/engine/backend.ts";
import { loadKernels } from "../../../../src/engine/backends/wasm/kernel-module.ts";
import { createWasmBackend, WasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { instructions } from "../../../../src/engine/instructions.ts";

const N = 200;
const PATIENCE = { timeout: 20_000 };

const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url);

async function backendWithHelper(program: string): Promise<WasmBackend> {
  const helperProgram = fixture(program);
  return new WasmBackend(await loadKernels("fast"), { maxBytes: 2 ** 32, threads: 2, leastWork: 0, helperProgram });
}

/** out = a·b of ones: every element is N. */
function productOf(backend: WasmBackend): { program: Program; result: () => Float32Array } {
  const [out, a, b] = [backend.allocate(N * N * 4), backend.allocate(N * N * 4), backend.allocate(N * N * 4)];
  for (const ones of [a, b]) backend.write(ones, new Float32Array(N * N).fill(1));
  const product = { instruction: instructions.matmul, buffers: [out, a, b], params: [N, N, N, 0, 0, 1, 0, 0] };
  const program = backend.compile([product]);
  return { program, result: () => backend.read(out, new Float32Array(N * N)) };
}

describe("helper threads", () => {
  it("start when there is something to share, and end with the backend", async () => {
    const backend = await createWasmBackend({ threads: 3 });
    const x = backend.allocate(64);
    backend.run(instructions.fill, [x], [16, 1]);
    expect(backend.helpers.running).toBe(0);
    const { program, result } = productOf(backend);
    await vi.waitFor(() => expect(backend.helpers.arrived).toBe(2), PATIENCE);
    await vi.waitFor(() => {
      program.run(1);
      expect(backend.helpers.partsDone).toBeGreaterThan(0);
    }, PATIENCE);
    backend.dispose();
    await vi.waitFor(() => expect(backend.helpers.running).toBe(0), PATIENCE);
    // Whoever is late does what is left alone.
    program.run(1);
    expect(new Set(result())).toEqual(new Set([N]));
    expect(backend.helpers.running).toBe(0);
  });

  it("end when their backend is forgotten", async () => {
    // In a function of its own, so that nothing keeps the backend.
    const helpersOf = async () => {
      const backend = await createWasmBackend({ threads: 2 });
      productOf(backend).program.run(1);
      return backend.helpers;
    };
    const helpers = await helpersOf();
    expect(helpers.running).toBe(1);
    setFlagsFromString("--expose-gc");
    const collectGarbage: unknown = runInNewContext("gc");
    await vi.waitFor(() => {
      if (typeof collectGarbage === "function") collectGarbage();
      expect(helpers.running).toBe(0);
    }, PATIENCE);
  });

  it("are none where there is one thread", async () => {
    const backend = await createWasmBackend({ threads: 1, leastWork: 0 });
    productOf(backend).program.run(3);
    expect(backend.helpers.running).toBe(0);
  });

  it("see memory that has grown since they began", async () => {
    const backend = await createWasmBackend({ threads: 2, leastWork: 0 });
    await vi.waitFor(() => {
      productOf(backend).program.run(1);
      expect(backend.helpers.partsDone).toBeGreaterThan(0);
    }, PATIENCE);
    const n = 20_000_000;
    const [large, copy] = [backend.allocate(n * 4), backend.allocate(n * 4)];
    backend.run(instructions.fill, [large], [n, 5]);
    const before = backend.helpers.partsDone;
    await vi.waitFor(() => {
      // memory.copy, which asks how large the memory is.
      backend.run(instructions.copy, [copy, large], [n]);
      expect(backend.helpers.partsDone).toBeGreaterThan(before);
    }, PATIENCE);
    expect(backend.read(copy, new Float32Array(1), (n - 1) * 4)[0]).toBe(5);
    backend.dispose();
  });

  it("are not needed: one that can't start is told, and the others do its work", async () => {
    const warned = once(process, "warning");
    const backend = await backendWithHelper("absent-helper.ts");
    const { program, result } = productOf(backend);
    const [warning] = await warned;
    expect(String(warning)).toContain("the others do its work: no helper today");
    program.run(10);
    expect(new Set(result())).toEqual(new Set([N]));
    expect(backend.helpers.arrived).toBe(0);
  });

  it("that die over a part end the program with an error, and the backend with it", async () => {
    const backend = await backendWithHelper("failing-helper.ts");
    const { program } = productOf(backend);
    await vi.waitFor(() => expect(backend.helpers.arrived).toBe(1), PATIENCE);
    expect(() => {
      for (let times = 0; times < 20_000; times++) program.run(1);
    }).toThrow("can't be used any more. Make a new backend, with threads: 1 to see where it fails");
    expect(() => program.run(1)).toThrow("can't be used any more");
    expect(() => backend.run(instructions.fill, [backend.allocate(4)], [1, 0])).toThrow("can't be used any more");
    await vi.waitFor(() => expect(backend.helpers.running).toBe(0), PATIENCE);
  });

  it.each([0, 1.5, 65])("are refused in impossible numbers: %s", async (threads) => {
    await expect(createWasmBackend({ threads })).rejects.toThrow(
      `threads must be a whole number from 1 to 64, got ${threads}.`,
    );
  });
});

describe("a process that shares work", () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [fileURLToPath(fixture("share-work.ts")), ...args]);

  it("ends by itself, though nobody disposed of the backend", async () => {
    expect((await run()).stdout).toBe("done\n");
  });

  it("may end a thread in the middle of a program", async () => {
    expect((await run("for-ever")).stdout).toBe("ended\n");
  });
});
