/**
 * Orders to an executor as numbers, so that many go to its thread in one message at little cost. An order is its kind and
 * what follows it; arrays travel beside the numbers.
 */
import type { DeviceCommand, Executor, Span } from "./executor.ts";
import { instructionByCode } from "./stages.ts";

const ALLOCATE = 1;
const FREE = 2;
const WRITE = 3;
const READ = 4;
const RUN = 5;
const COMPILE = 6;
const REPLAY = 7;
const DISCARD = 8;

export interface Orders {
  readonly numbers: Float64Array<ArrayBuffer>;
  /** What is written, and the shared memory that reads fill, in the order of their use. */
  readonly arrays: readonly Float32Array[];
}

export class OrderBook {
  #numbers = new Float64Array(1024);
  #length = 0;
  #arrays: Float32Array[] = [];

  /** How much is waiting to be taken. */
  get length(): number {
    return this.#length;
  }

  allocate(slot: number, words: number): void {
    this.#push(ALLOCATE, slot, words);
  }
  free(slot: number): void {
    this.#push(FREE, slot);
  }
  write(slot: number, offset: number, words: Float32Array): void {
    this.#push(WRITE, slot, offset);
    this.#arrays.push(words);
  }
  /** `into` lies in shared memory. */
  read(slot: number, offset: number, into: Float32Array<SharedArrayBuffer>): void {
    this.#push(READ, slot, offset);
    this.#arrays.push(into);
  }
  run(command: DeviceCommand): void {
    this.#push(RUN);
    this.#command(command);
  }
  compile(program: number, commands: readonly DeviceCommand[]): void {
    this.#push(COMPILE, program, commands.length);
    for (const command of commands) this.#command(command);
  }
  replay(program: number, times: number): void {
    this.#push(REPLAY, program, times);
  }
  discard(program: number): void {
    this.#push(DISCARD, program);
  }

  /** Everything since the last time. */
  take(): Orders {
    const orders = { numbers: this.#numbers.slice(0, this.#length), arrays: this.#arrays };
    this.#length = 0;
    this.#arrays = [];
    return orders;
  }

  #command({ instruction, spans, params }: DeviceCommand): void {
    this.#push(instruction.code);
    for (const { slot, offset, words } of spans) this.#push(slot, offset, words);
    this.#push(...params);
  }

  #push(...values: number[]): void {
    if (this.#length + values.length > this.#numbers.length) this.#grow();
    for (const value of values) this.#numbers[this.#length++] = value;
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.#numbers.length);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}

/** Carries out all of them, one after the other. */
export async function carryOut({ numbers, arrays }: Orders, executor: Executor): Promise<void> {
  const reader = new Reader(numbers, arrays);
  while (!reader.atEnd) {
    const done = next(reader, executor);
    if (done) await done;
  }
}

function next(reader: Reader, executor: Executor): void | Promise<void> {
  const kind = reader.number();
  switch (kind) {
    case ALLOCATE:
      return executor.allocate(reader.number(), reader.number());
    case FREE:
      return executor.free(reader.number());
    case WRITE:
      return executor.write(reader.number(), reader.number(), reader.array());
    case READ:
      return executor.read(reader.number(), reader.number(), reader.array());
    case RUN:
      return executor.run(reader.command());
    case COMPILE:
      return executor.compile(
        reader.number(),
        Array.from({ length: reader.number() }, () => reader.command()),
      );
    case REPLAY:
      return executor.replay(reader.number(), reader.number());
    case DISCARD:
      return executor.discard(reader.number());
    default:
      throw new Error(`There is no order ${kind}: the numbers of a message have been damaged.`);
  }
}

class Reader {
  readonly #numbers: Float64Array;
  readonly #arrays: readonly Float32Array[];
  #at = 0;
  #arraysTaken = 0;

  constructor(numbers: Float64Array, arrays: readonly Float32Array[]) {
    this.#numbers = numbers;
    this.#arrays = arrays;
  }

  get atEnd(): boolean {
    return this.#at >= this.#numbers.length;
  }

  number(): number {
    return this.#numbers[this.#at++] ?? Number.NaN;
  }

  array(): Float32Array {
    const array = this.#arrays[this.#arraysTaken++];
    if (array) return array;
    throw new Error("An order lacks its array.");
  }

  command(): DeviceCommand {
    const code = this.number();
    const instruction = instructionByCode[code];
    if (!instruction) throw new Error(`There is no instruction ${code}.`);
    const spans: Span[] = Array.from({ length: instruction.bufferCount }, () => ({
      slot: this.number(),
      offset: this.number(),
      words: this.number(),
    }));
    return { instruction, spans, params: Array.from(instruction.paramTypes, () => this.number()) };
  }
}
