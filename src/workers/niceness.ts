/** Whoever answers requests goes first on a busy core; then who tells of the training, and last the training itself. */
import { readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** As `nice` counts. One of usual niceness gets three times as much of a core as the first of these, and nine times as much as the second. */
export const NICENESS = { worker: 5, trainer: 10 } as const;

/**
 * This process with all threads that it has, and will have. One that gives way more already stays as it is, and so does one where the
 * system does not let itself be told: this is a courtesy, and no reason not to work.
 */
export function giveWay(niceness: number): void {
  for (const thread of threads()) atLeast(niceness, thread);
}

/** The thread that calls this, on Linux; elsewhere it is the process, which gives way as a whole. */
export function giveWayInThread(niceness: number): void {
  if (process.platform === "linux") atLeast(niceness, 0);
}

/** To Linux each has a niceness of its own, which those take over that it starts. */
function threads(): readonly number[] {
  if (process.platform !== "linux") return [0];
  try {
    return readdirSync("/proc/self/task").map(Number);
  } catch {
    return [0];
  }
}

function atLeast(niceness: number, thread: number): void {
  try {
    if (getPriority(thread) < niceness) setPriority(thread, niceness);
  } catch {
    // Forbidden here; or the thread has ended meanwhile.
  }
}
