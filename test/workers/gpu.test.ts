/**
 * Jobs and the GPU: on one where there is one (Chromium's software counts: see `.ci/run`), and without one everywhere.
 * Where it is lost, the device is really destroyed.
 */
import { BroadcastChannel } from "node:worker_threads";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { findGpu, type GpuAnswer } from "../../src/engine/backends/gpu/find-gpu.ts";
import { tryGpuApart } from "../../src/engine/backends/gpu/find-gpu-apart.ts";
import { modelWeights } from "../../src/engine/index.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import {
  checkpointOf,
  epochsOf,
  eventsOf,
  figuresOf,
  moons,
  submit,
  untilEpoch,
  untilStatus,
  upTo,
} from "../job-fixture.ts";

const hasGpu = (await findGpu()).available;
/** Answers to WebGPU and computes nothing. */
const noGpu = (): Promise<GpuAnswer> => tryGpuApart({ flags: ["backend=null"] });

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
const workers: RunningWorker[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());
beforeEach(async () => {
  config = broker.config({ GPU_CONCURRENCY: "2" });
  parts = await broker.parts(config);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
});

async function work(options: { findGpu?: () => Promise<GpuAnswer>; program?: URL } = {}): Promise<RunningWorker> {
  const worker = await startWorker(config, { url: broker.url, logger: pino({ level: "silent" }), ...options });
  workers.push(worker);
  return worker;
}

/** A GPU played by software, on a busy machine. */
const patience = { timeout: 250_000, interval: 10 };
const until = (id: string, status: string) => untilStatus(parts, id, status, patience);
const untilAt = (id: string, epoch: number) => untilEpoch(parts, id, epoch, patience);
const typesOf = async (id: string) => (await eventsOf(parts, id)).map(({ type }) => type);
const eventOf = async (id: string, type: string) => (await eventsOf(parts, id)).find((event) => event.type === type);
const begun = { attempts: 1, device: "gpu" };

describe("a worker without a GPU", () => {
  test("trains jobs that may choose on the cpu, and says why", async () => {
    const [auto, cpu] = [await submit(parts, moons), await submit(parts, { ...moons, device: "cpu" })];
    await work({ findGpu: noGpu });
    await until(auto, "completed");
    await until(cpu, "completed");
    const reason = expect.stringMatching(/^This worker has no GPU: .*libvulkan1/);
    const info = { mode: expect.stringMatching(/simd/), adapter: null, driver: null, threads: config.engineThreads };
    expect(await parts.jobs.get(auto)).toMatchObject({ device: "cpu", device_info: { ...info, reason } });
    expect(await eventOf(auto, "started")).toMatchObject({ device: "cpu", device_info: { ...info, reason } });
    expect((await parts.jobs.get(cpu))?.device_info).toEqual({ ...info, reason: "The spec asks for it." });
  });

  test("leaves jobs that ask for one to others", async () => {
    const forGpu = await submit(parts, { ...moons, device: "gpu", priority: 10 });
    const other = await submit(parts, moons);
    const worker = await work({ findGpu: noGpu });
    await until(other, "completed");
    expect((await parts.jobs.get(forGpu))?.status).toBe("queued");
    const [known] = await parts.workers.list();
    expect(known).toMatchObject({ id: worker.name, gpu: { available: false, adapter: null, jobs: [] } });
    expect(known?.gpu.reason).toMatch(/Vulkan/);
    expect(await parts.jobs.cancel(forGpu)).toBe("done");
    expect(await parts.queue.missing([forGpu])).toEqual([forGpu]);
  });

  test("does not fail for a search that fails", async () => {
    const id = await submit(parts, moons);
    await work({ findGpu: () => Promise.reject(new Error("libvulkan is of another machine")) });
    await until(id, "completed");
    expect((await parts.jobs.get(id))?.device_info?.reason).toMatch(/libvulkan is of another machine/);
  });
});

describe("strict numerics", () => {
  test("stay on the cpu, also where there is a GPU", async () => {
    const id = await submit(parts, { ...moons, numerics: "strict" });
    await work();
    await until(id, "completed");
    expect(await parts.jobs.get(id)).toMatchObject({
      device: "cpu",
      device_info: { reason: expect.stringMatching(/strict/) },
    });
  });
});

describe.skipIf(!hasGpu)("a worker with a GPU", { timeout: 300_000 }, () => {
  const onGpu = { ...moons, device: "gpu" };

  test("trains a job on it to the losses of the cpu, and says on what", async () => {
    const [gpu, cpu] = [await submit(parts, onGpu), await submit(parts, { ...moons, device: "cpu" })];
    const worker = await work();
    await until(gpu, "completed");
    await until(cpu, "completed");
    const [found, wanted] = [await figuresOf(parts, gpu), await figuresOf(parts, cpu)];
    expect(found.map(({ epoch }) => epoch)).toEqual(upTo(20));
    found.forEach(({ loss, val_loss }, i) => {
      expect(Math.abs(loss / wanted[i]?.loss - 1)).toBeLessThan(1e-4);
      expect(Math.abs(val_loss / wanted[i]?.val_loss - 1)).toBeLessThan(1e-4);
    });
    const info = {
      mode: "webgpu",
      adapter: expect.stringMatching(/./),
      driver: expect.stringMatching(/./),
      threads: null,
    };
    expect(await eventOf(gpu, "started")).toMatchObject({
      ...{ device: "gpu", worker: worker.name },
      device_info: info,
    });
    expect(await parts.jobs.get(gpu)).toMatchObject({ ...begun, device_info: info });
    // What it has learned has one form, wherever it was.
    const names = async (id: string) => [...modelWeights(await checkpointOf(parts, id)).keys()];
    expect(await names(gpu)).toEqual(["0.weight", "0.bias", "2.weight", "2.bias"]);
    expect(await names(cpu)).toEqual(await names(gpu));
  });

  test("measures both for a job that may choose, and takes the faster", async () => {
    const brief = await submit(parts, moons);
    const long = await submit(parts, { ...moons, epochs: 1_000_000 });
    await work();
    await until(brief, "completed");
    expect((await parts.jobs.get(brief))?.device_info?.reason).toMatch(/^It trains all of the job in about .* ms\.$/);
    await untilAt(long, 1);
    const job = await parts.jobs.get(long);
    const [, cpu, cpuUnit, gpu, gpuUnit] =
      /: ([\d.]+) (\S+) each on the cpu, ([\d.]+) (\S+) on the GPU\.$/.exec(job?.device_info?.reason ?? "") ?? [];
    const seconds = (value = "", unit = "") => Number(value) * ({ s: 1, ms: 1e-3, µs: 1e-6 }[unit] ?? Number.NaN);
    expect(job?.device).toBe(seconds(gpu, gpuUnit) < seconds(cpu, cpuUnit) ? "gpu" : "cpu");
    await parts.jobs.cancel(long);
    await until(long, "cancelled");
  });

  test("pauses a job, goes on with it on the same device, and cancels it", async () => {
    const id = await submit(parts, { ...onGpu, epochs: 100_000 });
    await work();
    await untilAt(id, 2);
    await parts.jobs.pause(id);
    await until(id, "paused");
    const at = (await parts.jobs.get(id))?.progress.epoch ?? 0;
    await parts.jobs.resume(id);
    await untilAt(id, at + 2);
    expect(await eventOf(id, "resumed")).toMatchObject({ device: "gpu", reason: "requested", epoch: at });
    expect((await parts.workers.list())[0]?.gpu.jobs).toEqual([id]);
    await parts.jobs.cancel(id);
    await until(id, "cancelled");
    const epochs = await epochsOf(parts, id);
    expect(epochs).toEqual(upTo(epochs.length));
  });

  test("trains two jobs on it at once", async () => {
    const ids = [
      await submit(parts, { ...onGpu, epochs: 100_000 }),
      await submit(parts, { ...onGpu, epochs: 100_000 }),
    ];
    await work();
    await Promise.all(ids.map((id) => untilAt(id, 2)));
    expect(await Promise.all(ids.map(async (id) => (await parts.jobs.get(id))?.status))).toEqual([
      "running",
      "running",
    ]);
  });

  describe("that is lost", () => {
    const program = new URL("./fixtures/losing-trainer.ts", import.meta.url);
    let channel: BroadcastChannel;
    beforeEach(() => {
      channel = new BroadcastChannel("gpu");
    });
    afterEach(() => channel.close());

    test("goes on with the job from its checkpoint, to the same losses", async () => {
      const spec = { ...onGpu, epochs: 40, checkpoint: { every_epochs: 1 } };
      const id = await submit(parts, spec);
      await work({ program });
      await untilAt(id, 3);
      channel.postMessage("lose it");
      await until(id, "completed");
      expect(await typesOf(id)).toEqual(expect.arrayContaining(["started", "resumed", "completed"]));
      expect(await eventOf(id, "resumed")).toMatchObject({ attempt: 2, device: "gpu", reason: "device_lost" });
      expect(await epochsOf(parts, id)).toEqual(upTo(40));
      const undisturbed = await submit(parts, spec);
      await until(undisturbed, "completed");
      expect(await figuresOf(parts, id)).toEqual(await figuresOf(parts, undisturbed));
    });

    test("again and again, without a checkpoint between, fails the job and says so", async () => {
      channel.onmessage = ({ data }: { data: unknown }) => {
        if (data === "open") channel.postMessage("lose it");
      };
      const id = await submit(parts, { ...onGpu, epochs: 1_000_000, checkpoint: { every_epochs: 1_000_000 } });
      await work({ program });
      await until(id, "failed");
      const job = await parts.jobs.get(id);
      expect(job?.error).toMatchObject({ title: "The GPU of this job kept failing", status: 500 });
      expect(job?.error?.detail).toMatch(/^Its GPU failed 5 times/);
    });
  });
});
