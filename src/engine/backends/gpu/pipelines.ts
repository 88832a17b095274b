/** Compute pipelines for passes, each made once: by gpu.js from a kernel, or from WGSL written by hand. */
import type { Span } from "./executor.ts";
import type { Webgpu } from "./facade.ts";
import { KernelCache } from "./kernel-cache.ts";
import { type Dispatch, specialize } from "./specialize-wgsl.ts";
import type { Stage } from "./stages.ts";

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** The binding of each of the pass's reads, then of what it writes. What is the same memory is one binding. */
  readonly bindings: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

/** GPUShaderStage.COMPUTE, which Node has no global for. */
const COMPUTE = 4;

/** More than a large network has, with all its shapes. */
const KEPT = 8192;

export class Pipelines {
  readonly #webgpu: Webgpu;
  readonly #cache = new KernelCache<Promise<Pipeline>>(KEPT, () => {});
  readonly #layouts = new Map<number, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();

  constructor(webgpu: Webgpu) {
    this.#webgpu = webgpu;
  }

  get(stage: Stage): Promise<Pipeline> {
    const spans = [...stage.reads, stage.writes];
    const bindings = numbered(spans);
    const words = stage.reads.map((span) => span.words);
    return this.#cache.get(stage.pass, words, () => this.#create(stage, bindings), bindings.join());
  }

  async #create({ pass, reads, instruction }: Stage, bindings: readonly number[]): Promise<Pipeline> {
    const shared = new Set(bindings).size < bindings.length;
    const { code, workgroups } = pass.wgsl && !shared ? pass.wgsl : this.#translate(pass, reads, bindings);
    const layout = this.#layout(new Set(bindings).size);
    const module = this.#webgpu.device.createShaderModule({ code });
    try {
      const compute = { module, entryPoint: "main" };
      const pipeline = await this.#webgpu.device.createComputePipelineAsync({ layout: layout.pipeline, compute });
      return { pipeline, layout: layout.group, bindings, workgroups };
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const found = messages.map(({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}`);
      throw new Error(`A kernel of ${instruction} does not compile: ${found.join("; ")}\n${code}`, { cause });
    }
  }

  #translate(pass: Stage["pass"], reads: readonly Span[], bindings: readonly number[]): Dispatch {
    const words = reads.map((span) => span.words);
    return specialize(this.#webgpu.translate(pass, words), pass.output, bindings);
  }

  /** All kernels with equally many bindings have the same layout. */
  #layout(count: number): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const known = this.#layouts.get(count);
    if (known) return known;
    const { device } = this.#webgpu;
    const entries = Array.from({ length: count }, (_, binding) => ({
      binding,
      visibility: COMPUTE,
      buffer: { type: "storage" as const },
    }));
    const group = device.createBindGroupLayout({ entries });
    const made = { group, pipeline: device.createPipelineLayout({ bindGroupLayouts: [group] }) };
    this.#layouts.set(count, made);
    return made;
  }
}

/** Numbers spans in the order of their first appearance. */
function numbered(spans: readonly Span[]): number[] {
  const starts: string[] = [];
  return spans.map(({ slot, offset }) => {
    const start = `${slot}:${offset}`;
    const known = starts.indexOf(start);
    return known >= 0 ? known : starts.push(start) - 1;
  });
}
