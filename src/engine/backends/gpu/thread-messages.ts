/** What the engine's thread and the device's thread say to each other, by messages and in shared memory. */
import { setTimeout as sleep } from "node:timers/promises";
import { OutOfMemoryError } from "../../backend.ts";
import type { DeviceFacts, GpuMode } from "./executor.ts";
import type { WebgpuOptions } from "./facade.ts";
import { DeviceLostError, UnavailableError } from "./gpu-errors.ts";
import type { Orders } from "./orders.ts";

/** What the device's thread starts with. */
export interface Opening {
  readonly mode: GpuMode;
  readonly webgpu: WebgpuOptions;
  readonly shared: SharedArrayBuffer;
}

export type ThreadMessage =
  | { readonly type: "orders"; readonly number: number; readonly orders: Orders }
  | { readonly type: "end" };

export type ThreadReply = { readonly type: "ready"; readonly facts: DeviceFacts } | { readonly type: "unavailable" };

const VERSION = 0;
const DONE = 1;
const FAILED = 2;
const TEXT_LENGTH = 3;
const BUSY = 4;
const ENDING = 5;
const TEXT_AT = 24;
/** Generated kernels are part of some messages: the beginning of one will do. */
const LONGEST_TEXT = 16_384;
const LOOK_AGAIN_MS = 5;

/** How far the device's thread is, in memory that both threads see: the engine's thread waits for it without a message. */
export class Progress {
  readonly shared: SharedArrayBuffer;
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #text: Uint8Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(TEXT_AT + LONGEST_TEXT)) {
    this.shared = shared;
    this.#cells = new Int32Array(shared, 0, TEXT_AT / 4);
    this.#text = new Uint8Array(shared, TEXT_AT);
  }

  /** All messages up to this one have been obeyed. */
  done(number: number): void {
    Atomics.store(this.#cells, DONE, number);
    this.#announce();
  }

  /** Nothing more will be done. The first failure is the one that is told. */
  fail(error: unknown): void {
    if (this.failed) return;
    const text = new TextEncoder().encode(JSON.stringify(described(error))).subarray(0, LONGEST_TEXT);
    this.#text.set(text);
    Atomics.store(this.#cells, TEXT_LENGTH, text.length);
    Atomics.store(this.#cells, FAILED, 1);
    this.#announce();
  }

  get failed(): boolean {
    return Atomics.load(this.#cells, FAILED) !== 0;
  }

  /** Throws what the other thread failed of. */
  check(): void {
    if (!this.failed) return;
    const text = this.#text.slice(0, Atomics.load(this.#cells, TEXT_LENGTH));
    throw rebuilt(JSON.parse(new TextDecoder().decode(text)));
  }

  /** Whether anything is on its way in Dawn, whose thread must not be ended then: it would abort the process. */
  set busy(busy: boolean) {
    Atomics.store(this.#cells, BUSY, busy ? 1 : 0);
    this.#announce();
  }

  /** Whether the process is about to end, so that nothing more is to be begun. */
  get ending(): boolean {
    return Atomics.load(this.#cells, ENDING) !== 0;
  }

  /** Asks the other thread to stop what it does, and blocks until it has, but no longer than this. */
  end(withinMs: number): void {
    Atomics.store(this.#cells, ENDING, 1);
    const deadline = performance.now() + withinMs;
    for (let left = withinMs; left > 0; left = deadline - performance.now()) {
      const version = Atomics.load(this.#cells, VERSION);
      if (Atomics.load(this.#cells, BUSY) === 0) return;
      Atomics.wait(this.#cells, VERSION, version, left);
    }
  }

  /** As {@link end}, without blocking. */
  async ended(withinMs: number): Promise<void> {
    Atomics.store(this.#cells, ENDING, 1);
    const deadline = performance.now() + withinMs;
    while (Atomics.load(this.#cells, BUSY) !== 0 && performance.now() < deadline) await sleep(LOOK_AGAIN_MS);
  }

  /** Blocks until message `number` has been obeyed. Throws if that will not happen. */
  waitFor(number: number): void {
    for (;;) {
      const version = Atomics.load(this.#cells, VERSION);
      this.check();
      if (Atomics.load(this.#cells, DONE) >= number) return;
      Atomics.wait(this.#cells, VERSION, version);
    }
  }

  #announce(): void {
    Atomics.add(this.#cells, VERSION, 1);
    Atomics.notify(this.#cells, VERSION);
  }
}

interface Described {
  readonly name: string;
  readonly message: string;
}

/** With its causes, since those do not travel. */
function described(error: unknown): Described {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const cause = error.cause === undefined ? "" : ` Cause: ${described(error.cause).message}`;
  // Shorter than the room there is, though its JSON is longer.
  return { name: error.name, message: (error.message + cause).slice(0, LONGEST_TEXT / 4) };
}

function rebuilt({ name, message }: Described): Error {
  if (name === "DeviceLostError") return new DeviceLostError(message);
  if (name === "UnavailableError") return new UnavailableError(message);
  if (name !== "OutOfMemoryError") return new Error(message);
  const error = new OutOfMemoryError(0, 0, 0);
  error.message = message;
  return error;
}
