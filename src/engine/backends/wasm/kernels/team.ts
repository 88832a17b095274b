// Threads that share the work of one program. The thread that runs it opens a group of parts; it takes them from the
// front, helpers take them from the back, so that the same thread tends to find the same rows in its cache. Whoever
// comes too late takes nothing: nobody ever waits for a helper that has not begun.

import { scratch } from "./scratch";

/** Words that all threads see, each on a cache line of its own. The backend reserves `teamBytes`, zeroed, and sets this. */
export let team: usize = 0;
export const teamBytes: i32 = 8 * 64;

/** Parts that nobody has taken: from the lower half of the word to before the upper one. */
const OPEN: usize = 0;
/** Parts that are not finished. */
const UNFINISHED: usize = 64;
/** The address of the group. */
const GROUP: usize = 128;
/** Helpers that sleep, and whether the thread that runs the program does. */
const SLEEPING: usize = 192;
const WAITING: usize = 256;
/** Set from outside when a helper dies. */
const FAILED: usize = 320;
/** Helpers that have arrived, and parts that helpers have done. */
const ARRIVED: usize = 384;
const HELPED: usize = 448;

/** Looks at a word before going to sleep: some 100 µs, about what it takes to be woken. */
const LOOKS: i32 = 16384;
/** How long the program waits before it looks whether a helper has died, in nanoseconds. */
const PATIENCE: i64 = 50_000_000;

export class Team {
  static open(group: usize, parts: i32): void {
    store<usize>(team, group, GROUP);
    atomic.store<i32>(team, parts, UNFINISHED);
    atomic.store<i32>(team, parts << 16, OPEN);
    if (atomic.load<i32>(team, SLEEPING) > 0) atomic.notify(team + OPEN, parts - 1);
  }

  /** The first open part, or −1: for the thread that runs the program. */
  static takeFirst(): i32 {
    while (true) {
      const parts = atomic.load<i32>(team, OPEN);
      const part = parts & 0xffff;
      if (part >= parts >>> 16) return -1;
      if (atomic.cmpxchg<i32>(team, parts, parts + 1, OPEN) == parts) return part;
    }
  }

  /** The last open part, as soon as there is one: for helpers. Only once it is taken, `group` is known to be its group. */
  static awaitLast(): i32 {
    let looks = 0;
    while (true) {
      const parts = atomic.load<i32>(team, OPEN);
      const part = (parts >>> 16) - 1;
      if (part >= (parts & 0xffff)) {
        if (atomic.cmpxchg<i32>(team, parts, parts - 0x10000, OPEN) == parts) return part;
      } else if (++looks < LOOKS) {
        Team.pause();
      } else {
        atomic.add<i32>(team, 1, SLEEPING);
        atomic.wait<i32>(team + OPEN, parts, -1);
        atomic.sub<i32>(team, 1, SLEEPING);
        looks = 0;
      }
    }
  }

  /** Takes a few nanoseconds and hardly anything of the core: adds nothing to a word of this thread's own. */
  @inline static pause(): void {
    atomic.add<i32>(scratch, 0);
  }

  @inline static get group(): usize {
    return load<usize>(team, GROUP);
  }

  static arrive(): void {
    atomic.add<i32>(team, 1, ARRIVED);
  }

  /** A helper has done a part. */
  static helped(): void {
    atomic.add<i32>(team, 1, HELPED);
    if (Team.finish() == 0 && atomic.load<i32>(team, WAITING) != 0) atomic.notify(team + UNFINISHED, 1);
  }

  /** Returns how many parts are left. */
  static finish(): i32 {
    return atomic.sub<i32>(team, 1, UNFINISHED) - 1;
  }

  /** Waits for the parts that helpers have taken. False if one of them won't come. */
  static join(): bool {
    for (let looks = 0; looks < LOOKS; ++looks) {
      if (atomic.load<i32>(team, UNFINISHED) == 0) return true;
      Team.pause();
    }
    atomic.store<i32>(team, 1, WAITING);
    let whole = true;
    while (whole) {
      const left = atomic.load<i32>(team, UNFINISHED);
      if (left == 0) break;
      atomic.wait<i32>(team + UNFINISHED, left, PATIENCE);
      whole = atomic.load<i32>(team, FAILED) == 0;
    }
    atomic.store<i32>(team, 0, WAITING);
    return whole;
  }
}
