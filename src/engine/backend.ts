/** What a device must do: hold buffers and run instructions. The first file to read in the engine. */
import type { Instruction } from "./instructions.ts";

/** A piece of device memory. Whoever allocates it frees it, once. */
export interface DeviceBuffer {
  /** Where the backend finds it: a byte address on the CPU, a slot elsewhere. */
  readonly address: number;
  readonly bytes: number;
}

/** One instruction with its operands: buffers in the order writes, updates, reads; parameters in table order. */
export interface Command {
  readonly instruction: Instruction;
  readonly buffers: readonly DeviceBuffer[];
  readonly params: readonly number[];
}

/** Commands encoded for a device, to be run as often as one likes. */
export interface Program {
  readonly commands: number;
  /** Runs the whole program `times` times. */
  run(times: number): void;
  dispose(): void;
}

export type TypedArray = Float32Array | Int32Array | Float64Array;

export interface Backend {
  /** `wasm`, … as the API shows it. */
  readonly name: string;
  /** Which flavour of itself runs here: `relaxed-simd` or `simd`. */
  readonly variant: string;
  /** Whether an elementwise instruction may write over what it reads: result and operand at the same address. */
  readonly writesOver?: boolean;
  /** Bytes held by live buffers now, and the most there ever were. */
  readonly memory: { readonly live: number; readonly peak: number };

  /** Zero-filled? No: contents are undefined until written. Aligned to 16 bytes. Throws OutOfMemoryError. */
  allocate(bytes: number): DeviceBuffer;
  free(buffer: DeviceBuffer): void;
  write(buffer: DeviceBuffer, values: TypedArray, byteOffset?: number): void;
  /** Fills `into` from the buffer, so the caller chooses type and length. Returns `into`. */
  read<T extends TypedArray>(buffer: DeviceBuffer, into: T, byteOffset?: number): T;

  /** Runs one instruction now. */
  run(instruction: Instruction, buffers: readonly DeviceBuffer[], params: readonly number[]): void;
  /** Encodes commands once for many runs. */
  compile(commands: readonly Command[]): Program;

  /** Ends the threads that it keeps, once it is of no more use. */
  dispose(): void;
}

/** The device has no room for `requested` bytes. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";

  constructor(requested: number, live: number, limit: number) {
    super(
      `The device is out of memory: ${requested} bytes asked for, ${live} of ${limit} in use. ` +
        "Use a smaller batch_size or model, or wrap steps in scope(() => …) so that their tensors are freed.",
    );
  }
}
