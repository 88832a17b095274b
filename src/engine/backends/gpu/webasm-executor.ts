/** gpu.js kernels in WebAssembly: runs at once, on any machine. Correctness is what it is for. */
import type { DeviceCommand, DeviceFacts, Executor, Span } from "./executor.ts";
import { openWebasm, type Webasm, type WebasmKernel } from "./facade.ts";
import { KernelCache } from "./kernel-cache.ts";
import { SCRATCH, type Stage, scratchWords, stagesOf } from "./stages.ts";

/** Each has a memory of its own. */
const KEPT = 1024;

export class WebasmExecutor implements Executor {
  readonly facts: DeviceFacts;
  readonly #webasm: Webasm = openWebasm();
  readonly #memory = new Map<number, Float32Array>();
  readonly #programs = new Map<number, readonly Stage[]>();
  readonly #kernels = new KernelCache<WebasmKernel>(KEPT, (kernel) => kernel.destroy());

  constructor() {
    this.facts = this.#webasm.facts;
  }

  allocate(slot: number, words: number): void {
    this.#memory.set(slot, new Float32Array(words));
  }

  free(slot: number): void {
    this.#memory.delete(slot);
  }

  write(slot: number, offset: number, words: Float32Array): void {
    this.#view({ slot, offset, words: words.length }).set(words);
  }

  read(slot: number, offset: number, into: Float32Array): void {
    into.set(this.#view({ slot, offset, words: into.length }));
  }

  run(command: DeviceCommand): void {
    const stages = stagesOf(command);
    this.#reserve(scratchWords(stages));
    for (const stage of stages) this.#runStage(stage);
  }

  compile(program: number, commands: readonly DeviceCommand[]): void {
    const stages = commands.flatMap(stagesOf);
    this.#reserve(scratchWords(stages));
    this.#programs.set(program, stages);
  }

  replay(program: number, times: number): void {
    const stages = this.#programs.get(program);
    if (!stages) throw new Error("This program has been disposed of.");
    for (let i = 0; i < times; i++) for (const stage of stages) this.#runStage(stage);
  }

  discard(program: number): void {
    this.#programs.delete(program);
  }

  flush(): void {}

  async settled(): Promise<void> {}

  dispose(): void {
    this.#kernels.clear();
    this.#programs.clear();
    this.#memory.clear();
  }

  #runStage({ pass, reads, writes, instruction }: Stage): void {
    const words = reads.map((span) => span.words);
    const kernel = this.#kernels.get(pass, words, () => this.#webasm.createKernel(pass, words));
    try {
      this.#view(writes).set(kernel.run(reads.map((span) => this.#view(span))));
    } catch (cause) {
      throw new Error(`A kernel of ${instruction} can't run in gpu.js's webasm mode.\n${pass.source}`, { cause });
    }
  }

  #reserve(words: number): void {
    if (words > (this.#memory.get(SCRATCH)?.length ?? 0)) this.#memory.set(SCRATCH, new Float32Array(words));
  }

  #view({ slot, offset, words }: Span): Float32Array {
    const memory = this.#memory.get(slot);
    if (!memory) throw new Error(`Allocation ${slot} has been freed, or never was.`);
    return memory.subarray(offset, offset + words);
  }
}
