/** The list of devices, and jobs that ask for one that is not there. */
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { tryGpuApart } from "../../src/engine/backends/gpu/find-gpu-apart.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { cpuAlone } from "../job-fixture.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
let worker: RunningWorker | null = null;

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
afterEach(async () => {
  await worker?.close();
  worker = null;
});

/** One to which something answers that computes nothing. */
async function workWithoutGpu(): Promise<RunningWorker> {
  const findGpu = () => tryGpuApart({ flags: ["backend=null"] });
  const config = { ...api.config, gpuConcurrency: 2 };
  worker = await startWorker(config, { url: api.broker.url, logger: pino({ level: "silent" }), findGpu });
  return worker;
}

const post = (path: string, payload: object) => api.app.inject({ method: "POST", url: path, payload });
const onGpu = { ...smallSpec, device: "gpu" };

test("a job for a GPU is refused without one, with what to install; so says the dry run", async () => {
  await workWithoutGpu();
  const refused = await post("/v1/jobs", onGpu);
  expect(refused.statusCode).toBe(422);
  const message = expect.stringMatching(/^the worker has no GPU: .*npm install.*libvulkan1.*device "cpu"/);
  expect(refused.json().errors).toEqual([{ path: "device", message }]);
  const checked = await post("/v1/jobs/validate", { ...onGpu, epochs: 0 });
  expect(checked.json()).toMatchObject({ valid: false, errors: [{ path: "epochs" }, { path: "device", message }] });
});

test("a job for a GPU is refused where no worker is", async () => {
  const checked = await post("/v1/jobs/validate", onGpu);
  const message = expect.stringMatching(/^no worker is running/);
  expect(checked.json()).toMatchObject({ valid: false, errors: [{ path: "device", message }] });
});

test("a job for a GPU is taken if any worker has one, for that worker's queue", async () => {
  const now = new Date().toISOString();
  const about = { host: "h", pid: 1, version: "1", ...cpuAlone, threads: 1, concurrency: 1, jobs: [] };
  await api.parts.workers.beat({ ...about, id: "w-1", since: now });
  const gpu = { ...cpuAlone.gpu, available: true, mode: "webgpu", adapter: "H200", driver: "570", reason: null };
  await api.parts.workers.beat({ ...about, gpu, id: "w-2", since: now });
  const { data } = (await api.app.inject("/v1/devices")).json();
  expect(data.map(({ worker, device, available }: Record<string, unknown>) => [worker, device, available])).toEqual([
    ["w-1", "cpu", true],
    ["w-1", "gpu", false],
    ["w-2", "cpu", true],
    ["w-2", "gpu", true],
  ]);
  expect(data[3]).toMatchObject({ adapter: "H200", driver: "570", mode: "webgpu", threads: null, reason: null });
  const taken = await post("/v1/jobs", onGpu);
  expect(taken.statusCode).toBe(202);
  expect(taken.json()).toMatchObject({ status: "queued", device: null, device_info: null, spec: { device: "gpu" } });
  for (const id of ["w-1", "w-2"]) await api.parts.workers.leave(id);
});

test("a worker that is told to use no GPU looks for none", async () => {
  const findGpu = () => expect.unreachable("it looked");
  const config = { ...api.config, gpuConcurrency: 0 };
  worker = await startWorker(config, { url: api.broker.url, logger: pino({ level: "silent" }), findGpu });
  const refused = await post("/v1/jobs", onGpu);
  const message = expect.stringMatching(/^the worker has no GPU: .*told to use none.*GPU_CONCURRENCY/);
  expect(refused.json().errors).toEqual([{ path: "device", message }]);
});

test("devices tell what they are and what they train", async () => {
  const { name } = await workWithoutGpu();
  await expect
    .poll(async () => (await api.app.inject("/v1/devices")).json().data)
    .toEqual([
      {
        ...{ device: "cpu", worker: name, host: expect.any(String), available: true, reason: null },
        ...{ mode: expect.stringMatching(/simd/), adapter: null, driver: null, threads: api.config.engineThreads },
        ...{ concurrency: api.config.concurrency, jobs: [] },
      },
      {
        ...{ device: "gpu", worker: name, host: expect.any(String), available: false },
        ...{ mode: null, adapter: null, driver: null, threads: null, reason: expect.stringMatching(/compute|answers/) },
        ...{ concurrency: 2, jobs: [] },
      },
    ]);
});
