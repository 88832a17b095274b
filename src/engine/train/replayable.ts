/**
 * A piece of work done again and again: eagerly each time, or recorded once per shape and replayed. Both run the same
 * instructions on the same values, so both give the same bits.
 */
import type { CapturedProgram, Device } from "../device.ts";

export class Replayable<Key extends string | number> {
  readonly #device: Device;
  readonly #work: (key: Key) => void;
  readonly #compiled: boolean;
  readonly #programs = new Map<Key, CapturedProgram>();

  /** `work(key)` must be instructions alone: whatever differs between two runs lies in buffers, or in the key. */
  constructor(device: Device, compiled: boolean, work: (key: Key) => void) {
    this.#device = device;
    this.#compiled = compiled;
    this.#work = work;
  }

  run(key: Key, times: number): void {
    if (!this.#compiled) {
      for (let i = 0; i < times; i++)
        this.#device.scope(
          () => this.#work(key),
          () => [],
        );
      return;
    }
    if (times > 0) this.#program(key).run(times);
  }

  #program(key: Key): CapturedProgram {
    const known = this.#programs.get(key);
    if (known) return known;
    const captured = this.#device.capture(() => this.#work(key));
    this.#programs.set(key, captured);
    return captured;
  }

  dispose(): void {
    for (const program of this.#programs.values()) program.dispose();
    this.#programs.clear();
  }
}
