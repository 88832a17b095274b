/** The engine's end of the line to a device's thread. Orders are sent in batches; reads wait for their answer. */
import { Worker } from "node:worker_threads";
import type { DeviceCommand, DeviceFacts, GpuMode } from "./executor.ts";
import type { WebgpuOptions } from "./facade.ts";
import { OrderBook } from "./orders.ts";
import { type Opening, Progress, type ThreadMessage, type ThreadReply } from "./thread-messages.ts";

/** What a backend asks of its device: an executor's orders, each done or on its way when the call returns. */
export interface Line {
  readonly facts: DeviceFacts;
  /** See {@link settleGpu}; none where there is no thread. */
  readonly shared?: SharedArrayBuffer;
  allocate(slot: number, words: number): void;
  free(slot: number): void;
  write(slot: number, offset: number, words: Float32Array): void;
  read(slot: number, offset: number, into: Float32Array): void;
  run(command: DeviceCommand): void;
  compile(program: number, commands: readonly DeviceCommand[]): void;
  replay(program: number, times: number): void;
  discard(program: number): void;
  dispose(): void | Promise<void>;
}

/** Numbers that make a message worth sending: about a hundred instructions. */
const FULL = 2048;
/** Messages that may be waiting: whoever gives more orders than the device can follow waits, too. */
const MOST_UNDERWAY = 16;
/** How long the end of a process may wait for a GPU to finish what it has begun. */
const END_MS = 5000;
/** Answers up to this size share memory. */
const SMALL_WORDS = 1 << 16;

/**
 * Makes a GPU stop what it does, and waits until it has: to be called by whoever ends a thread that has a GPU backend from
 * outside, with that backend's `shared`. Ended in the middle of its work, Dawn would abort the process.
 */
export function settleGpu(shared: SharedArrayBuffer): void {
  new Progress(shared).end(END_MS);
}

/** As {@link settleGpu}, for a thread that has other things to do meanwhile. */
export async function gpuSettled(shared: SharedArrayBuffer): Promise<void> {
  await new Progress(shared).ended(END_MS);
}

/** Memory for a backend that is yet to be opened. */
export const gpuShared = (): SharedArrayBuffer => new Progress().shared;

export class ThreadLine implements Line {
  readonly facts: DeviceFacts;
  readonly shared: SharedArrayBuffer;
  readonly #worker: Worker;
  readonly #progress: Progress;
  readonly #book = new OrderBook();
  readonly #answer = new Float32Array(new SharedArrayBuffer(SMALL_WORDS * 4));
  #sent = 0;
  /** The message of the last replay. */
  #replays = 0;

  /** Throws UnavailableError if there is no such device here. */
  static async open(mode: GpuMode, webgpu: WebgpuOptions = {}, shared = gpuShared()): Promise<ThreadLine> {
    const progress = new Progress(shared);
    const workerData: Opening = { mode, webgpu, shared };
    const worker = new Worker(new URL("./device-thread.ts", import.meta.url), { workerData, name: `epochd ${mode}` });
    const end = (): void => progress.end(END_MS);
    process.on("exit", end);
    worker.once("exit", () => process.off("exit", end));
    const reply = await new Promise<ThreadReply>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    // An idle device must not keep a process alive.
    worker.unref();
    progress.check();
    if (reply.type !== "ready") throw new Error(`The thread of device ${mode} has not started, and gives no reason.`);
    return new ThreadLine(worker, progress, reply.facts);
  }

  private constructor(worker: Worker, progress: Progress, facts: DeviceFacts) {
    this.facts = facts;
    this.#worker = worker;
    this.#progress = progress;
    this.shared = progress.shared;
    worker.on("error", (error) => progress.fail(error));
  }

  allocate(slot: number, words: number): void {
    this.#book.allocate(slot, words);
  }

  free(slot: number): void {
    this.#book.free(slot);
  }

  write(slot: number, offset: number, words: Float32Array): void {
    this.#book.write(slot, offset, words);
    if (words.length > SMALL_WORDS) this.#send();
  }

  read(slot: number, offset: number, into: Float32Array): void {
    const shared =
      into.length <= SMALL_WORDS
        ? this.#answer.subarray(0, into.length)
        : new Float32Array(new SharedArrayBuffer(into.length * 4));
    this.#book.read(slot, offset, shared);
    this.#send();
    this.#progress.waitFor(this.#sent);
    into.set(shared);
  }

  run(command: DeviceCommand): void {
    this.#book.run(command);
    if (this.#book.length >= FULL) this.#send();
  }

  compile(program: number, commands: readonly DeviceCommand[]): void {
    this.#book.compile(program, commands);
    this.#send();
  }

  replay(program: number, times: number): void {
    this.#book.replay(program, times);
    // One at work, one waiting: whoever paces itself by how long this takes must not be told of work that lies ahead.
    this.#progress.waitFor(this.#replays);
    this.#send();
    this.#replays = this.#sent;
  }

  discard(program: number): void {
    this.#book.discard(program);
  }

  async dispose(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.ref();
    this.#worker.postMessage({ type: "end" } satisfies ThreadMessage);
    await ended;
  }

  #send(): void {
    this.#progress.check();
    const orders = this.#book.take();
    const message: ThreadMessage = { type: "orders", number: ++this.#sent, orders };
    const owned = orders.arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
    this.#worker.postMessage(message, [orders.numbers.buffer, ...owned]);
    this.#progress.waitFor(this.#sent - MOST_UNDERWAY);
  }
}
