/** On what a job trains, as jobs, events and the list of devices tell it. */
import { z } from "zod";

export const DEVICES = ["cpu", "gpu"] as const;
export type DeviceKind = (typeof DEVICES)[number];

const mode = z
  .string()
  .describe("cpu: which WebAssembly kernels, such as `relaxed-simd`; gpu: how gpu.js runs, which is `webgpu`");
const adapter = z.string().nullable().describe("the GPU, as its maker calls it");
const driver = z.string().nullable();

export const DeviceInfo = z
  .object({
    mode,
    adapter,
    driver,
    threads: z.int().nullable().describe("how many threads share the work; null on a GPU"),
    reason: z.string().describe("why it is this device: what the spec asks for, or what was measured"),
  })
  .meta({ id: "DeviceInfo", description: "What lies behind `device`." });
export type DeviceInfo = z.infer<typeof DeviceInfo>;

/** What a worker found when it looked for a GPU. */
export const WorkerGpu = z
  .object({
    available: z.boolean().nullable().describe("null until the worker has found out, a moment after its start"),
    mode: mode.nullable(),
    adapter,
    driver,
    reason: z.string().nullable().describe("why there is none, and what to install"),
    concurrency: z.int().describe("how many jobs that ask for a GPU it trains at once, beside the others"),
    jobs: z.array(z.string()).describe("those that train on it now"),
  })
  .meta({ id: "WorkerGpu" });
export type WorkerGpu = z.infer<typeof WorkerGpu>;
