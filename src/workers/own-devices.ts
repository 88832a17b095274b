/** The devices of one worker: its cpu, known at the start, and its GPU, which it finds out about a moment later. */
import type { Logger } from "pino";
import type { GpuAnswer } from "../engine/index.ts";
import type { WorkerInfo, WorkerRegistry } from "../jobs/worker-registry.ts";
import type { WorkerDevices } from "./choose-device.ts";
import { lookForGpu } from "./look-for-gpu.ts";

export interface OwnDevicesOptions {
  readonly worker: string;
  readonly cpu: WorkerDevices["cpu"];
  readonly gpuConcurrency: number;
  readonly registry: WorkerRegistry;
  readonly logger: Logger;
  /** How to find a GPU, for tests of machines that have none. */
  readonly findGpu?: (() => Promise<GpuAnswer>) | undefined;
}

export class OwnDevices implements WorkerDevices {
  readonly cpu: WorkerDevices["cpu"];
  /** The jobs that train on the GPU now. */
  readonly onGpu = new Set<string>();
  private readonly options: OwnDevicesOptions;
  private readonly answer: Promise<GpuAnswer>;
  /** Null until it has been found out. */
  known: GpuAnswer | null = null;

  constructor(options: OwnDevicesOptions) {
    this.options = options;
    this.cpu = options.cpu;
    this.answer = this.look();
  }

  gpu(): Promise<GpuAnswer> {
    return this.answer;
  }

  async gpuElsewhere(): Promise<boolean> {
    const workers = await this.options.registry.list();
    return workers.some(({ id, gpu }) => id !== this.options.worker && gpu.available !== false);
  }

  /** As the list of workers shows them. */
  get shown(): Pick<WorkerInfo, "cpu" | "gpu"> {
    const facts = this.known?.available ? this.known.facts : null;
    return {
      cpu: { mode: this.cpu.mode },
      gpu: {
        available: this.known?.available ?? null,
        mode: facts?.mode ?? null,
        adapter: facts?.adapter ?? null,
        driver: facts?.driver ?? null,
        reason: this.known?.available === false ? this.known.why : null,
        concurrency: this.options.gpuConcurrency,
        jobs: [...this.onGpu],
      },
    };
  }

  private async look(): Promise<GpuAnswer> {
    const { logger, gpuConcurrency, findGpu } = this.options;
    // The search is a process of its own, and costs a second of a core.
    const answer = gpuConcurrency === 0 ? NOT_WANTED : await lookForGpu(findGpu);
    this.known = answer;
    if (answer.available) {
      const { adapter, driver, mode } = answer.facts;
      logger.info({ adapter, driver, mode }, "has a GPU");
    } else {
      logger.info({ reason: answer.why }, "has no GPU: jobs train on the cpu");
    }
    return answer;
  }
}

const NOT_WANTED: GpuAnswer = {
  available: false,
  why: "This worker was told to use none; start it with GPU_CONCURRENCY at 1 or more.",
};
