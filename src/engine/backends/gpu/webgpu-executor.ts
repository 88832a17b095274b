/**
 * gpu.js kernels on a GPU: gpu.js translates them to WGSL, and here they are recorded, many to a submit, on the device
 * that gpu.js opened.
 */
import { OutOfMemoryError } from "../../backend.ts";
import { BufferPool } from "./buffer-pool.ts";
import type { DeviceCommand, DeviceFacts, Executor, Span } from "./executor.ts";
import { openWebgpu, type Webgpu, type WebgpuOptions } from "./facade.ts";
import { DeviceLostError } from "./gpu-errors.ts";
import { type Pipeline, Pipelines } from "./pipelines.ts";
import { SCRATCH, type Stage, scratchWords, stagesOf } from "./stages.ts";
import { SubmitPace } from "./submit-pace.ts";

/** Submits that the GPU may still have to do while the next is recorded: it never waits, and a stop is felt soon. */
const SUBMITS_IN_FLIGHT = 3;
/** What is written at once; more would be copied once more as a whole. */
const WRITE_WORDS = 1 << 24;

/** Who has opened the executor. */
export interface Owner {
  /** Is told of what goes wrong at a time of the GPU's own choosing. */
  fail(error: Error): void;
  /** Whether to stop in the middle of whatever it is. */
  readonly ending: boolean;
}

/** A dispatch with everything bound. */
interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

interface Program {
  readonly steps: readonly Step[];
  readonly scratch: GPUBuffer | undefined;
}

export class WebgpuExecutor implements Executor {
  readonly facts: DeviceFacts;
  readonly #device: GPUDevice;
  readonly #pipelines: Pipelines;
  readonly #pool: BufferPool;
  readonly #buffers = new Map<number, GPUBuffer>();
  readonly #programs = new Map<number, Program>();
  readonly #owner: Owner;
  readonly #fail: (error: Error) => void;
  /** What Dawn has not answered yet. */
  readonly #unanswered = new Set<Promise<unknown>>();
  /** Where the temporaries of eager commands lie. */
  #scratch: GPUBuffer | undefined;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #recorded = 0;
  readonly #pace = new SubmitPace();
  #inFlight: Promise<unknown>[] = [];
  #failure: Error | null = null;
  #disposed = false;

  static async open(owner: Owner, options: WebgpuOptions = {}): Promise<WebgpuExecutor> {
    return new WebgpuExecutor(await openWebgpu(options), owner);
  }

  private constructor(webgpu: Webgpu, owner: Owner) {
    const { device, facts } = webgpu;
    this.facts = facts;
    this.#owner = owner;
    this.#device = device;
    this.#pipelines = new Pipelines(webgpu);
    this.#pool = new BufferPool(device);
    this.#fail = (error) => {
      if (this.#disposed || this.#failure) return;
      this.#failure = error;
      owner.fail(error);
    };
    device.onuncapturederror = ({ error }) => {
      if (error.constructor.name === "GPUOutOfMemoryError") this.#fail(this.#outOfMemory());
      else this.#fail(new Error(`WebGPU refuses what it was given: ${error.message}`));
    };
    void device.lost.then(({ reason, message }) =>
      this.#fail(
        new DeviceLostError(
          `The GPU "${facts.adapter}" has been lost (${message || reason}), and with it all that it held. ` +
            "Go on from the last checkpoint.",
        ),
      ),
    );
  }

  allocate(slot: number, words: number): void {
    this.#buffers.set(slot, this.#pool.take(words));
  }

  free(slot: number): void {
    const buffer = this.#buffers.get(slot);
    if (!buffer) return;
    this.#buffers.delete(slot);
    this.#pool.giveBack(buffer);
  }

  async write(slot: number, offset: number, words: Float32Array): Promise<void> {
    const buffer = this.#buffer(slot);
    // What is recorded comes first: a write takes its place in the queue at once.
    await this.#submit();
    for (let at = 0; at < words.length; at += WRITE_WORDS) {
      this.#device.queue.writeBuffer(buffer, (offset + at) * 4, words.subarray(at, at + WRITE_WORDS));
    }
  }

  async read(slot: number, offset: number, into: Float32Array): Promise<void> {
    const bytes = into.length * 4;
    if (bytes === 0) return;
    const staging = this.#pool.takeStaging(bytes);
    this.#endPass();
    this.#openEncoder().copyBufferToBuffer(this.#buffer(slot), offset * 4, staging, 0, bytes);
    await this.#submit();
    await this.#answer(staging.mapAsync(GPU_MAP_READ, 0, bytes)).catch(async (error: unknown) => {
      // A device that is lost says so by itself, but a moment later.
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw this.#failure ?? error;
    });
    into.set(new Float32Array(staging.getMappedRange(0, bytes)));
    staging.unmap();
    this.#pool.giveBackStaging(staging);
    this.#inFlight = [];
    this.#check();
  }

  async run(command: DeviceCommand): Promise<void> {
    const stages = stagesOf(command);
    this.#reserve(scratchWords(stages));
    for (const stage of stages) {
      this.#record(this.#step(stage, await this.#answer(this.#pipelines.get(stage)), this.#scratch));
      if (this.#recorded >= this.#pace.dispatches) await this.#submit();
    }
  }

  async compile(program: number, commands: readonly DeviceCommand[]): Promise<void> {
    const stages = commands.flatMap(stagesOf);
    const words = scratchWords(stages);
    const scratch = words > 0 ? this.#pool.take(words) : undefined;
    const pipelines = await this.#answer(Promise.all(stages.map((stage) => this.#pipelines.get(stage))));
    const steps = stages.map((stage, i) => this.#step(stage, pipelines[i]!, scratch));
    this.#programs.set(program, { steps, scratch });
  }

  async replay(program: number, times: number): Promise<void> {
    const steps = this.#programs.get(program)?.steps;
    if (!steps) throw new Error("This program has been disposed of.");
    for (let i = 0; i < times; i++) {
      for (const step of steps) {
        this.#record(step);
        if (this.#recorded >= this.#pace.dispatches) await this.#submit();
      }
    }
  }

  discard(program: number): void {
    const scratch = this.#programs.get(program)?.scratch;
    this.#programs.delete(program);
    if (scratch) this.#pool.giveBack(scratch);
  }

  async flush(): Promise<void> {
    await this.#submit();
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#unanswered);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#endPass();
    this.#device.destroy();
    await this.#device.lost;
  }

  /** Ends what is being recorded and queues it; waits while the queue is full. */
  async #submit(): Promise<void> {
    this.#check();
    if (!this.#encoder) return this.#pool.destroyRetired();
    this.#endPass();
    this.#device.queue.submit([this.#encoder.finish()]);
    this.#encoder = null;
    this.#pool.destroyRetired();
    this.#inFlight.push(this.#underway(this.#recorded));
    this.#recorded = 0;
    while (this.#inFlight.length >= SUBMITS_IN_FLIGHT) await this.#inFlight.shift();
    this.#check();
  }

  async #underway(dispatches: number): Promise<void> {
    const queuedAt = performance.now();
    await this.#answer(this.#device.queue.onSubmittedWorkDone());
    this.#pace.learn(dispatches, queuedAt, performance.now());
  }

  #record({ pipeline, group, workgroups: [x, y, z] }: Step): void {
    this.#pass ??= this.#openEncoder().beginComputePass();
    this.#pass.setPipeline(pipeline);
    this.#pass.setBindGroup(0, group);
    this.#pass.dispatchWorkgroups(x, y, z);
    this.#recorded++;
  }

  #openEncoder(): GPUCommandEncoder {
    this.#encoder ??= this.#device.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  #step({ reads, writes }: Stage, { pipeline, layout, bindings, workgroups }: Pipeline, scratch?: GPUBuffer): Step {
    const spans = [...reads, writes];
    const entries = new Map<number, GPUBindGroupEntry>();
    spans.forEach(({ slot, offset, words }, i) => {
      const binding = bindings[i] ?? 0;
      const buffer = slot === SCRATCH && scratch ? scratch : this.#buffer(slot);
      entries.set(binding, { binding, resource: { buffer, offset: offset * 4, size: words * 4 } });
    });
    return { pipeline, workgroups, group: this.#device.createBindGroup({ layout, entries: [...entries.values()] }) };
  }

  #reserve(words: number): void {
    if (words * 4 <= (this.#scratch?.size ?? 0)) return;
    if (this.#scratch) this.#pool.giveBack(this.#scratch);
    this.#scratch = this.#pool.take(words);
  }

  #buffer(slot: Span["slot"]): GPUBuffer {
    const buffer = this.#buffers.get(slot);
    if (buffer) return buffer;
    throw new Error(`Allocation ${slot} has been freed, or never was.`);
  }

  /** A GPU does not say how much it has: what it held before the last buffer was asked for was not too much. */
  #outOfMemory(): OutOfMemoryError {
    const held = this.#pool.bytes - this.#pool.newest;
    return new OutOfMemoryError(this.#pool.newest, held, held);
  }

  async #answer<T>(promise: Promise<T>): Promise<T> {
    this.#unanswered.add(promise);
    try {
      return await promise;
    } finally {
      this.#unanswered.delete(promise);
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
    if (this.#owner.ending) throw new Error("The process is ending.");
  }
}

/** GPUMapMode.READ, which Node has no global for. */
const GPU_MAP_READ = 1;
