/** Which device a job is given, by its spec, its past and what the worker has. */
import { describe, expect, test } from "vitest";
import type { GpuAnswer } from "../../src/engine/index.ts";
import { chooseDevice } from "../../src/workers/choose-device.ts";

const cpu = { mode: "relaxed-simd", threads: 4 };
const facts = { mode: "webgpu", adapter: "H200", driver: "570", maxBufferBytes: 2 ** 30 } as const;
const found: GpuAnswer = { available: true, facts };
const none: GpuAnswer = { available: false, why: "No driver." };
const worker = (gpu: GpuAnswer, elsewhere = false) => ({
  cpu,
  gpu: async () => gpu,
  gpuElsewhere: async () => elsewhere,
});

const auto = { device: "auto", numerics: "fast" } as const;
const gpu = { device: "gpu", numerics: "fast" } as const;
const fresh = { attempts: 0, device: null, device_info: null, queueReason: "submitted", losses: 0 } as const;
const reason = "Measured.";
const begunOn = (device: "cpu" | "gpu") => {
  const info = { mode: "webgpu", adapter: "A100", driver: "1", threads: null, reason };
  return { ...fresh, attempts: 1, device, device_info: info };
};

describe("a job that has not begun", () => {
  test.each([
    ["that may choose is measured where there is a GPU", auto, found, "measure"],
    ["that asks for a GPU is another worker's where there is none", gpu, none, "elsewhere"],
  ] as const)("%s", async (_what, spec, answer, choice) => {
    expect(await chooseDevice(spec, fresh, worker(answer))).toBe(choice);
  });

  test("that may choose is the cpu's where there is no GPU, for the reason that the worker has", async () => {
    const info = { ...cpu, adapter: null, driver: null, reason: "This worker has no GPU: No driver." };
    expect(await chooseDevice(auto, fresh, worker(none))).toEqual({ device: "cpu", info });
  });

  test("that asks for a GPU gets it, with its name and driver", async () => {
    const info = { mode: "webgpu", adapter: "H200", driver: "570", threads: null, reason: "The spec asks for it." };
    expect(await chooseDevice(gpu, fresh, worker(found))).toEqual({ device: "gpu", info });
  });

  test("and asks for the cpu waits for no GPU to be found", async () => {
    const devices = { cpu, gpu: () => new Promise<never>(() => {}), gpuElsewhere: async () => true };
    for (const spec of [
      { ...auto, device: "cpu" as const },
      { ...auto, numerics: "strict" as const },
    ]) {
      expect(await chooseDevice(spec, fresh, devices)).toMatchObject({ device: "cpu" });
    }
  });
});

describe("a job that has begun", () => {
  test.each(["cpu", "gpu"] as const)("on the %s goes on there, for the reason that it had", async (device) => {
    const choice = await chooseDevice(auto, begunOn(device), worker(found));
    expect(choice).toMatchObject({ device, info: { reason } });
  });

  test("on a GPU is another worker's if that has one, and only else the cpu's", async () => {
    expect(await chooseDevice(auto, begunOn("gpu"), worker(none, true))).toBe("elsewhere");
    const choice = await chooseDevice(auto, begunOn("gpu"), worker(none));
    expect(choice).toMatchObject({ device: "cpu", info: { reason: expect.stringMatching(/is gone/) } });
    expect(await chooseDevice(gpu, begunOn("gpu"), worker(none))).toBe("elsewhere");
  });

  test("leaves a GPU that keeps failing, unless it asked for one", async () => {
    const lost = { ...begunOn("gpu"), queueReason: "device_lost", losses: 3 } as const;
    const choice = await chooseDevice(auto, lost, worker(found));
    expect(choice).toMatchObject({ device: "cpu", info: { reason: expect.stringMatching(/has failed 3 times/) } });
    expect(await chooseDevice(auto, { ...lost, losses: 2 }, worker(found))).toMatchObject({ device: "gpu" });
    expect(await chooseDevice(gpu, lost, worker(found))).toMatchObject({ device: "gpu" });
  });
});
