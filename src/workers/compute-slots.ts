/**
 * Places at the machine's cores, for trainers that are more than its cores: those that have one compute, the others wait for
 * theirs, the longest first. With dozens that compute at once, each is put aside for so long, wherever it is, that the
 * worker's main thread waits for locks which they hold: of the queue of messages that it reads, of the allocator.
 *
 * Nothing is counted: who has a place is read from what each thread says of itself, so a thread that dies leaves none behind.
 * Where several change at the same time, one may be let in too many, for a slice.
 */

/** What a thread does; any other number is since when it waits, by the order in which they came. */
const AWAY = 0;
const COMPUTES = 1;
const FIRST_TURN = 2;

/** What follows from the count of those that ever waited. */
const TURN = 0;
const FIRST_THREAD = 1;

/** Long enough for the caches, short enough for a cancel to be felt at once by the last of a few dozen. */
const SLICE_MS = 10;
/** Now and then, whoever waits shows a sign of life. */
const LOOK_MS = 50;

export interface ComputePlaces {
  readonly memory: SharedArrayBuffer;
  /** How many may compute at once. */
  readonly places: number;
}

/** For so many threads; null where each has a core of its own at any time. */
export function computePlaces(threads: number, places: number): ComputePlaces | null {
  if (threads <= places) return null;
  return { memory: new SharedArrayBuffer(4 * (FIRST_THREAD + threads)), places };
}

/** One thread's side of it; also that of who takes the place from one that died. */
export class ComputeSlot {
  readonly #cells: Int32Array;
  readonly #places: number;
  readonly #own: number;
  #since = 0;
  #isEntered = false;

  constructor({ memory, places }: ComputePlaces, thread: number) {
    this.#cells = new Int32Array(memory);
    this.#places = places;
    this.#own = FIRST_THREAD + thread;
  }

  get isEntered(): boolean {
    return this.#isEntered;
  }

  /** Waits for a place. Asks `goesOn` whenever it wakes: one that has to end does not wait for its place. */
  enter(goesOn: () => boolean): void {
    const turn = this.#nextTurn();
    Atomics.store(this.#cells, this.#own, turn);
    this.#grant();
    while (goesOn() && Atomics.load(this.#cells, this.#own) === turn) {
      Atomics.wait(this.#cells, this.#own, turn, LOOK_MS);
      this.#grant();
    }
    Atomics.store(this.#cells, this.#own, COMPUTES);
    this.#isEntered = true;
    this.#since = performance.now();
  }

  /** Leaves the place to who waits, and waits for the next one, if this one has been had for long enough. */
  pass(goesOn: () => boolean): void {
    if (!this.#isEntered) return;
    if (performance.now() - this.#since < SLICE_MS || this.#longestWaiting() === null) return;
    this.leave();
    this.enter(goesOn);
  }

  leave(): void {
    this.#isEntered = false;
    Atomics.store(this.#cells, this.#own, AWAY);
    this.#grant();
  }

  #nextTurn(): number {
    const turn = Atomics.add(this.#cells, TURN, 1);
    // After the last number it begins anew, and a few wait out of turn.
    return FIRST_TURN + (turn & 0x3fffffff);
  }

  /** Whoever leaves or comes does this after it has said so, so of two that do it at once, one sees both. */
  #grant(): void {
    for (;;) {
      const waiting = this.#longestWaiting();
      if (waiting === null || this.#computing() >= this.#places) return;
      const { thread, turn } = waiting;
      if (Atomics.compareExchange(this.#cells, thread, turn, COMPUTES) === turn) Atomics.notify(this.#cells, thread, 1);
    }
  }

  #computing(): number {
    let computing = 0;
    for (let i = FIRST_THREAD; i < this.#cells.length; i++) if (Atomics.load(this.#cells, i) === COMPUTES) computing++;
    return computing;
  }

  #longestWaiting(): { readonly thread: number; readonly turn: number } | null {
    let [thread, turn] = [-1, Number.POSITIVE_INFINITY];
    for (let i = FIRST_THREAD; i < this.#cells.length; i++) {
      const since = Atomics.load(this.#cells, i);
      if (since >= FIRST_TURN && since < turn) [thread, turn] = [i, since];
    }
    return thread < 0 ? null : { thread, turn };
  }
}
