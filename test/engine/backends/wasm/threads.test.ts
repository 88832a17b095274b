import fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";
import type { DeviceBuffer } from "../../../../src/engine/backend.ts";
import { cuts } from "../../../../src/engine/backends/wasm/cuts.ts";
import { COUNTER_BYTES, split } from "../../../../src/engine/backends/wasm/split.ts";
import { createWasmBackend, type WasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { runOnDevice, sameBits } from "../device-call.ts";
import { type Call, samples } from "../samples.ts";

/** Whether a call of a sample's size is shared at all. */
function isShared(name: InstructionName, call: Call): boolean {
  const instruction = instructions[name];
  const buffers = Array.from({ length: instruction.bufferCount }, (): DeviceBuffer => ({ address: 64, bytes: 64 }));
  const params = Object.keys(instruction.params).map((param) => call.params[param]!);
  return split(instruction, buffers, params, { threads: 2, leastWork: 0, counters: buffers[0]! }) !== undefined;
}

for (const numerics of ["fast", "strict"] as const) {
  const alone = await createWasmBackend({ numerics, threads: 1 });
  // Whatever can be shared is, however small: samples are.
  const several = await Promise.all([2, 3, 4].map((threads) => createWasmBackend({ numerics, threads, leastWork: 0 })));
  afterAll(() => {
    for (const backend of several) backend.dispose();
  });

  describe(`on the ${alone.variant} kernels`, () => {
    for (const name of Object.keys(cuts) as InstructionName[]) {
      const written = [...instructions[name].writes, ...instructions[name].updates];

      it(`${name} gives the same bits on 1, 2, 3 and 4 threads`, () => {
        let shared = 0;
        fc.assert(
          fc.property(samples[name], (call) => {
            if (isShared(name, call)) shared++;
            const whole = runOnDevice(alone, name, call);
            return several.every((backend) => {
              const parts = runOnDevice(backend, name, call);
              return written.every((array) => sameBits(whole[array]!, parts[array]!));
            });
          }),
          { numRuns: 100 },
        );
        expect(shared).toBeGreaterThan(10);
      });
    }

    it.each(Object.keys(cuts) as InstructionName[])(
      "%s's parts write nothing but their own, in whatever order",
      (name) => {
        const counters = alone.allocate(4 * COUNTER_BYTES);
        fc.assert(
          fc.property(samples[name], (call) => {
            const whole = runOnDevice(alone, name, call);
            const backwards = runOnDevice(alone, name, call, (instruction, buffers, params) => {
              const steps = split(instruction, buffers, params, { threads: 4, leastWork: 0, counters });
              for (const step of steps ?? [{ instruction, buffers, params }]) {
                const commands = "parts" in step ? step.parts.toReversed().flat() : [step];
                for (const command of commands) alone.run(command.instruction, command.buffers, command.params);
              }
            });
            return Object.keys(whole).every((array) => sameBits(whole[array]!, backwards[array]!));
          }),
          { numRuns: 40 },
        );
        alone.free(counters);
      },
    );

    it("helpers do some of the work, each time with the same result", async () => {
      const products = several.map((backend) => productOf(backend, 300));
      const whole = productOf(alone, 300);
      whole.run();
      for (const [i, backend] of several.entries()) {
        await vi.waitFor(() => expect(backend.helpers.arrived).toBe(i + 1), 10_000);
        const before = backend.helpers.partsDone;
        for (let times = 0; times < 1000 && backend.helpers.partsDone < before + 20; times++) {
          products[i]!.run();
          expect(sameBits(products[i]!.result(), whole.result())).toBe(true);
        }
        expect(backend.helpers.partsDone).toBeGreaterThan(before);
      }
    });
  });
}

/** A square matrix product. */
function productOf(backend: WasmBackend, n: number) {
  const [out, a, b] = [backend.allocate(n * n * 4), backend.allocate(n * n * 4), backend.allocate(n * n * 4)];
  for (const buffer of [a, b])
    backend.write(
      buffer,
      Float32Array.from({ length: n * n }, (_, i) => Math.sin(i)),
    );
  const program = backend.compile([
    { instruction: instructions.fill, buffers: [out], params: [n * n, Number.NaN] },
    { instruction: instructions.matmul, buffers: [out, a, b], params: [n, n, n, 0, 0, 1, 0, 0] },
  ]);
  return { run: () => program.run(1), result: () => backend.read(out, new Float32Array(n * n)) };
}
