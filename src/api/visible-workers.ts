/** The workers as who asks may see them: all of them, with the jobs of their own key alone. */
import type { FastifyRequest } from "fastify";
import type { WorkerInfo } from "../jobs/worker-registry.ts";
import { maySee } from "./access.ts";
import type { ApiParts } from "./parts.ts";

export async function visibleWorkers(parts: ApiParts, asker: Pick<FastifyRequest, "owner">): Promise<WorkerInfo[]> {
  const workers = await parts.workers.list();
  return Promise.all(
    workers.map(async (worker) => {
      const may = await Promise.all(worker.jobs.map((id) => maySee(parts, asker, id)));
      const jobs = worker.jobs.filter((_, i) => may[i]);
      return { ...worker, jobs, gpu: { ...worker.gpu, jobs: worker.gpu.jobs.filter((id) => jobs.includes(id)) } };
    }),
  );
}
