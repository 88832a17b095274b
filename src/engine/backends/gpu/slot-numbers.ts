/** Numbers for allocations, used again once free, so that addresses stay exact however long a run is. */

export class SlotNumbers {
  readonly #free: number[] = [];
  #last = 0;

  /** 1 or more: the executor has 0 for itself. */
  take(): number {
    return this.#free.pop() ?? ++this.#last;
  }

  giveBack(slot: number): void {
    this.#free.push(slot);
  }
}
