/**
 * A device that has no memory and computes nothing, but counts: what runs on it allocates what it would on a real one.
 * So the memory of a training is known, by the very code that trains, before anything of that size exists.
 */
import type { Backend, Command, DeviceBuffer, Program } from "./backend.ts";

export class PlanningBackend implements Backend {
  readonly name = "planning";
  readonly variant = "none";
  readonly writesOver = true;
  readonly memory = { live: 0, peak: 0 };

  allocate(bytes: number): DeviceBuffer {
    this.memory.live += bytes;
    this.memory.peak = Math.max(this.memory.peak, this.memory.live);
    return { address: SOMEWHERE, bytes };
  }

  free({ bytes }: DeviceBuffer): void {
    this.memory.live -= bytes;
  }

  write(): void {}

  /** Every value is 0. */
  read<T>(_buffer: DeviceBuffer, into: T): T {
    return into;
  }

  run(): void {}

  /** Programs take memory, too: a word for each instruction, operand and parameter. */
  compile(commands: readonly Command[]): Program {
    const words = commands.reduce((sum, { buffers, params }) => sum + 1 + buffers.length + params.length, 1);
    const program = this.allocate(4 * words);
    return { commands: commands.length, run: () => {}, dispose: () => this.free(program) };
  }

  dispose(): void {}
}

/** Any address but 0, which no buffer has. */
const SOMEWHERE = 256;
