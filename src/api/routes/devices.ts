/** What trains: each device of each worker. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { DEVICES, WorkerGpu } from "../../jobs/device-info.ts";
import type { WorkerInfo } from "../../jobs/worker-registry.ts";
import { answer, problems } from "../openapi.ts";
import type { ApiParts } from "../parts.ts";
import { visibleWorkers } from "../visible-workers.ts";

const Device = z
  .object({
    device: z.enum(DEVICES),
    worker: z.string().describe("its `id` in the list of workers"),
    host: z.string(),
    ...WorkerGpu.pick({ available: true, mode: true, adapter: true, driver: true }).shape,
    threads: z.int().nullable().describe("how many threads each job may use; null for a GPU"),
    reason: z.string().nullable().describe("why it is not available, and what to install"),
    concurrency: z.int().describe("how many of its jobs run at once"),
    jobs: z.array(z.string()).describe("those that train on it now"),
  })
  .meta({ id: "Device" });
const DeviceList = z.object({ data: z.array(Device), next_cursor: z.null() }).meta({ id: "DeviceList" });

export function deviceRoutes(fastify: FastifyInstance, parts: ApiParts): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    "/v1/devices",
    {
      schema: {
        operationId: "listDevices",
        tags: ["service"],
        summary: "List the devices",
        description: "What trains, where, and how busy it is. A worker without a GPU says why it has none.",
        response: { 200: answer("All of them, two for each worker.", DeviceList), ...problems() },
      },
    },
    async (request): Promise<z.infer<typeof DeviceList>> => ({
      data: (await visibleWorkers(parts, request)).flatMap(devicesOf),
      next_cursor: null,
    }),
  );
}

function devicesOf({ id, host, cpu, gpu, threads, concurrency, jobs }: WorkerInfo): z.infer<typeof Device>[] {
  const where = { worker: id, host };
  const onCpu = jobs.filter((job) => !gpu.jobs.includes(job));
  const none = { adapter: null, driver: null, reason: null };
  return [
    { device: "cpu", ...where, ...none, available: true, mode: cpu.mode, threads, concurrency, jobs: onCpu },
    { device: "gpu", ...where, ...gpu, threads: null },
  ];
}
