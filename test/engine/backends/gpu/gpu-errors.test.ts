/** What is told when a GPU is missing, fails, or goes away. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { OutOfMemoryError } from "../../../../src/engine/backend.ts";
import { openWebasm, openWebgpu } from "../../../../src/engine/backends/gpu/facade.ts";
import { tryGpu } from "../../../../src/engine/backends/gpu/find-gpu.ts";
import { tryGpuApart } from "../../../../src/engine/backends/gpu/find-gpu-apart.ts";
import { createGpuBackend } from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import { DeviceLostError, UnavailableError } from "../../../../src/engine/backends/gpu/gpu-errors.ts";
import { settleGpu } from "../../../../src/engine/backends/gpu/thread-line.ts";
import { Progress } from "../../../../src/engine/backends/gpu/thread-messages.ts";
import { WebgpuExecutor } from "../../../../src/engine/backends/gpu/webgpu-executor.ts";
import { instructions } from "../../../../src/engine/instructions.ts";
import { hasWebgpu } from "./lines.ts";

const run = promisify(execFile);

describe("a GPU that is none", () => {
  it("is refused, though it answers, when it does not compute", async () => {
    expect(await tryGpuApart({ flags: ["backend=null"] })).toEqual({
      available: false,
      why: expect.stringMatching(/answers to WebGPU, but does not compute.*libvulkan1.*use device "cpu"/),
    });
  });

  it("is told apart from one that there is", async () => {
    expect(await tryGpu({ mode: "webasm" })).toMatchObject({ available: true, facts: { mode: "webasm" } });
  });

  it("is refused when nothing answers", async () => {
    expect(await tryGpuApart({ flags: ["backend=d3d12"] })).toEqual({
      available: false,
      why: expect.stringContaining("No GPU answers to WebGPU on this machine"),
    });
  });
});

describe("a kernel that gpu.js would rather run in another mode", () => {
  it("is an error", () => {
    const webasm = openWebasm();
    const pass = {
      source: "function (a) { return a[this.thread.x] > 1; }",
      output: [4] as const,
      reads: [{ operand: 0 }],
      writes: { operand: 1 },
    };
    expect(() => webasm.createKernel(pass, [4]).run([new Float32Array(4)])).toThrow();
  });
});

describe("the other thread's failure", () => {
  const reported = (error: Error): Error | undefined => {
    const progress = new Progress();
    progress.fail(error);
    progress.fail(new Error("a later one"));
    try {
      new Progress(progress.shared).waitFor(1);
    } catch (caught) {
      return caught instanceof Error ? caught : undefined;
    }
    return undefined;
  };

  it.each([
    new DeviceLostError("The GPU has been lost."),
    new UnavailableError("No GPU here."),
    new OutOfMemoryError(100, 50, 120),
    new Error("Something else, “quoted”."),
  ])("arrives as what it was: %s", (error) => {
    const arrived = reported(error);
    expect(arrived?.constructor).toBe(error.constructor);
    expect(arrived?.message).toBe(error.message);
  });

  it("arrives with its causes, cut where it is very long", () => {
    expect(reported(new Error("outer", { cause: new Error("inner") }))?.message).toBe("outer Cause: inner");
    expect(reported(new Error("é".repeat(100_000)))?.message).toMatch(/^é{1000,}$/);
  });
});

describe.skipIf(!hasWebgpu)("a GPU", () => {
  it("that is lost says so, and that the checkpoint remains", async () => {
    const failures: Error[] = [];
    const executor = await WebgpuExecutor.open({ fail: (error) => failures.push(error), ending: false });
    executor.allocate(1, 64);
    const { device } = await openWebgpu();
    device.destroy();
    await expect(executor.read(1, 0, new Float32Array(4))).rejects.toThrow(DeviceLostError);
    expect(failures[0]?.message).toMatch(/has been lost .* Go on from the last checkpoint\.$/);
  });

  it("does not keep a process from ending in the middle of its work", async () => {
    const script = fileURLToPath(new URL("end-while-busy.ts", import.meta.url));
    await expect(run(process.execPath, [script])).resolves.toEqual({ stdout: "", stderr: "" });
  });

  it("is stopped before a thread that uses it is ended from outside", async () => {
    const thread = new Worker(new URL("terminated-thread.ts", import.meta.url));
    thread.on("error", () => {});
    const shared = await new Promise<SharedArrayBuffer>((resolve) => thread.once("message", resolve));
    settleGpu(shared);
    await expect(thread.terminate()).resolves.toBe(1);
  });

  it("that refuses an order fails the calls that follow, with its reason", async () => {
    const backend = await createGpuBackend();
    const buffer = backend.allocate(16);
    // Beyond the end of what was allocated.
    const beyond = { address: buffer.address + 4096, bytes: 16 };
    backend.run(instructions.copy, [buffer, beyond], [4]);
    expect(() => backend.read(buffer, new Float32Array(4))).toThrow(/WebGPU refuses/);
    expect(() => backend.read(buffer, new Float32Array(4))).toThrow(/WebGPU refuses/);
    await backend.dispose();
  });
});
