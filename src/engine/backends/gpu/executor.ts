/** What runs on the device's side: allocations by number, commands on stretches of them, programs. */
import type { Instruction } from "../../instructions.ts";

/** The ways in which gpu.js runs kernels here: on a GPU, or in WebAssembly of its own making. */
export type GpuMode = "webgpu" | "webasm";

/** What a device says of itself. */
export interface DeviceFacts {
  readonly mode: GpuMode;
  /** The adapter's name, as its maker gives it. */
  readonly adapter: string;
  readonly driver: string;
  /** The most bytes that one buffer may have. */
  readonly maxBufferBytes: number;
}

/** A stretch of an allocation; all in words of 4 bytes. */
export interface Span {
  readonly slot: number;
  readonly offset: number;
  readonly words: number;
}

export interface DeviceCommand {
  readonly instruction: Instruction;
  readonly spans: readonly Span[];
  readonly params: readonly number[];
}

/**
 * Orders are carried out one after the other. Those that return a promise must have been awaited before the next is given;
 * that a promise is kept says that the order is on its way in the device's queue, and for `read` that it is done.
 */
export interface Executor {
  readonly facts: DeviceFacts;
  allocate(slot: number, words: number): void;
  free(slot: number): void;
  write(slot: number, offset: number, words: Float32Array): void | Promise<void>;
  read(slot: number, offset: number, into: Float32Array): void | Promise<void>;
  run(command: DeviceCommand): void | Promise<void>;
  compile(program: number, commands: readonly DeviceCommand[]): void | Promise<void>;
  replay(program: number, times: number): void | Promise<void>;
  discard(program: number): void;
  /** To be called behind the last of several orders: nothing may wait for another to come. */
  flush(): void | Promise<void>;
  /** Kept once nothing is on its way any more, whatever became of it. */
  settled(): Promise<void>;
  dispose(): void | Promise<void>;
}
