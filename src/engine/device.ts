/**
 * The engine's side of a backend: who owns a buffer and for how long, and whether instructions are being recorded.
 *
 * Every op allocates its output here and runs its instructions here. That is why `capture` needs no second definition
 * of any op: it runs the same code and keeps the list.
 */
import { advanceUpdates } from "./advance-updates.ts";
import type { Backend, Command, DeviceBuffer, Program, TypedArray } from "./backend.ts";
import { type InstructionName, instructions } from "./instructions.ts";
import { planMemory } from "./plan-memory.ts";
import { holdShared, releaseShared } from "./shared-values.ts";
import { Workspace } from "./workspace.ts";

/** A buffer with an owner: a scope, a captured program, or (when neither is open) the garbage collector. */
export class Storage {
  readonly device: Device;
  #buffer: DeviceBuffer | null;

  constructor(device: Device, buffer: DeviceBuffer) {
    this.device = device;
    this.#buffer = buffer;
  }

  get buffer(): DeviceBuffer {
    if (this.#buffer) return this.#buffer;
    throw new Error(
      "This tensor's memory has been freed: by the scope() that it was made in, or by zeroGrad(). " +
        "Return the tensor from the scope, or take its values with data() or item() while it lives.",
    );
  }

  get freed(): boolean {
    return this.#buffer === null;
  }

  /** Called by the device alone: hands the buffer over and leaves this storage empty. */
  release(): DeviceBuffer {
    const buffer = this.buffer;
    this.#buffer = null;
    return buffer;
  }
}

interface Recording {
  readonly commands: Command[];
  /** What was allocated while recording: sizes without memory until the program is laid out. */
  readonly temporaries: Map<DeviceBuffer, Storage>;
  /** Values written from the host while recording: a replay finds them where they were written. */
  readonly constants: Storage[];
}

export class Device {
  readonly backend: Backend;
  readonly #scopes: Set<Storage>[] = [];
  readonly #scalars = new Map<number, Storage>();
  readonly #shared = new Map<TypedArray, Storage>();
  readonly #workspace: Workspace;
  #recording: Recording | null = null;
  /** Buffers whose storages the garbage collector watches. */
  readonly #watched = new Set<DeviceBuffer>();
  readonly #collector = new FinalizationRegistry<DeviceBuffer>((buffer) => {
    if (this.#watched.delete(buffer)) this.backend.free(buffer);
  });

  constructor(backend: Backend) {
    this.backend = backend;
    this.#workspace = new Workspace(backend);
  }

  /** Memory for an op's result. It lives as long as the innermost scope or recording, else until collected. */
  allocate(bytes: number): Storage {
    const buffer = this.#recording ? { address: NOWHERE, bytes } : this.backend.allocate(bytes);
    const storage = new Storage(this, buffer);
    const scope = this.#scopes.at(-1);
    this.#recording?.temporaries.set(buffer, storage);
    if (scope) scope.add(storage);
    else if (!this.#recording) this.#watch(storage);
    return storage;
  }

  #watch(storage: Storage): void {
    this.#watched.add(storage.buffer);
    this.#collector.register(storage, storage.buffer, storage);
  }

  /** Memory that outlives every scope and recording: parameters, optimizer state, constants. */
  allocatePersistent(bytes: number): Storage {
    const storage = new Storage(this, this.backend.allocate(bytes));
    this.#watch(storage);
    return storage;
  }

  /** Persistent memory with these contents, written from the host and so never part of a recording. */
  store(values: TypedArray): Storage {
    const storage = this.allocatePersistent(Math.max(4, values.byteLength));
    this.backend.write(storage.buffer, values);
    return storage;
  }

  /**
   * As {@link store}, but in one place for all devices of the backend that store this very array: nobody may write there,
   * nor change the array. It is held until the device is disposed of.
   */
  storeShared(values: TypedArray): Storage {
    const known = this.#shared.get(values) ?? new Storage(this, holdShared(this.backend, values));
    this.#shared.set(values, known);
    return known;
  }

  /** Values from the host, owned like any op's result. While recording they become constants of the program. */
  upload(values: TypedArray): Storage {
    if (this.#recording) {
      const constant = this.store(values);
      this.#recording.constants.push(constant);
      return constant;
    }
    const storage = this.allocate(Math.max(4, values.byteLength));
    this.backend.write(storage.buffer, values);
    return storage;
  }

  /** Fills `into` from the storage. Returns `into`. */
  read<T extends TypedArray>(storage: Storage, into: T): T {
    if (this.#recording) {
      throw new Error(
        "A step that is being captured computes nothing yet, so there is no value to read. " +
          "Write results to a persistent buffer and read it after running the program, or run the step eagerly.",
      );
    }
    return this.backend.read(storage.buffer, into);
  }

  free(storage: Storage): void {
    if (storage.freed) return;
    for (const scope of this.#scopes) scope.delete(storage);
    const buffer = storage.release();
    if (this.#watched.delete(buffer)) this.#collector.unregister(storage);
    if (!this.#recording?.temporaries.has(buffer)) this.backend.free(buffer);
  }

  /** Lets a storage outlive the open scopes; the garbage collector takes over. */
  escape(storage: Storage): void {
    for (const scope of this.#scopes) {
      if (scope.delete(storage) && !this.#recording) this.#watch(storage);
    }
  }

  run(name: InstructionName, buffers: readonly DeviceBuffer[], params: readonly number[]): void {
    const instruction = instructions[name];
    if (this.#recording) this.#recording.commands.push({ instruction, buffers, params });
    else this.backend.run(instruction, buffers, params);
  }

  /** A constant of one element; made once for each value. */
  scalar(value: number): Storage {
    const known = this.#scalars.get(value);
    if (known) return known;
    const made = this.store(new Float32Array([value]));
    // Constants come from program text, so there are few; a program that makes them from data must not fill the device.
    if (this.#scalars.size < 4096) this.#scalars.set(value, made);
    return made;
  }

  /** Frees whatever `body` allocates, except what `survivors` picks from its result. */
  scope<T>(body: () => T, survivors: (result: T) => Iterable<Storage>): T {
    const scope = new Set<Storage>();
    this.#scopes.push(scope);
    let result: T;
    try {
      result = body();
      for (const storage of survivors(result)) this.#moveOut(storage, scope);
    } finally {
      this.#scopes.pop();
      for (const storage of scope) this.free(storage);
    }
    return result;
  }

  #moveOut(storage: Storage, scope: Set<Storage>): void {
    if (!scope.delete(storage)) return;
    const outer = this.#scopes.at(-2);
    if (outer) outer.add(storage);
    else if (!this.#recording) this.#watch(storage);
  }

  /** Frees everything that was allocated here outside of scopes. No tensor of this device may be used afterwards. */
  dispose(): void {
    for (const buffer of this.#watched) this.backend.free(buffer);
    this.#watched.clear();
    this.#scalars.clear();
    for (const values of this.#shared.keys()) releaseShared(this.backend, values);
    this.#shared.clear();
  }

  /**
   * Keeps the instructions of `step` as a program: running that does the work of the step on the same buffers. Capturing
   * computes nothing. Temporaries are laid out so that those never alive together share memory. Tensors made by `step`
   * must not be used after it; values that leave a step go through persistent buffers.
   */
  capture(step: () => void): CapturedProgram {
    const { commands, temporaries, constants } = this.#record(step);
    const layout = planMemory(advanceUpdates(commands, temporaries), temporaries, this.backend.writesOver ?? false);
    const program = this.#workspace.add(layout);
    return {
      commands: program.commands,
      arenaBytes: layout.bytes,
      run: (times) => program.run(times),
      dispose: () => {
        program.dispose();
        for (const constant of constants.splice(0)) this.free(constant);
      },
    };
  }

  #record(step: () => void): Recording {
    if (this.#recording)
      throw new Error("capture() can't be nested: the outer capture already records these instructions.");
    const recording: Recording = { commands: [], temporaries: new Map(), constants: [] };
    this.#recording = recording;
    try {
      this.scope(step, () => []);
    } catch (error) {
      for (const constant of recording.constants) this.free(constant);
      throw error;
    } finally {
      this.#recording = null;
      for (const storage of recording.temporaries.values()) if (!storage.freed) storage.release();
    }
    return recording;
  }
}

export interface CapturedProgram extends Program {
  /** Bytes of the step's temporaries. They lie in memory that all programs of the device share. */
  readonly arenaBytes: number;
}

/** The address of a temporary while it is recorded: where no buffer of any backend lies. */
const NOWHERE = 0;

let currentDevice: Device | null = null;

/** Makes `device` the one on which tensors are created. */
export function useDevice(device: Device): Device {
  currentDevice = device;
  return device;
}

/** Makes `device` the one in use for `body`, and then the one before again. */
export function withDevice<T>(device: Device, body: () => T): T {
  const before = currentDevice;
  currentDevice = device;
  try {
    return body();
  } finally {
    currentDevice = before;
  }
}

export function defaultDevice(): Device {
  if (currentDevice) return currentDevice;
  throw new Error(
    "No device is in use yet. Call useDevice(new Device(await createWasmBackend())) once, before making tensors.",
  );
}
