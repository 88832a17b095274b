/** Whoever answers requests goes first on a busy core; then who tells of the training, and last the training itself. */
import { readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** As `nice` counts. One of usual niceness gets three times as much of a core as the first of these, and nine times as much as the second. */
export const NICENESS = { worker: 5, trainer: 10 } as const;

/** This process with all threads that it has, and will have. One that gives way more already stays as it is. */
export function giveWay(niceness: number): void {
  // To Linux each thread has a niceness of its own, which those take over that it starts.
  const threads = process.platform === "linux" ? readdirSync("/proc/self/task").map(Number) : [0];
  for (const thread of threads) atLeast(niceness, thread);
}

/** The thread that calls this, on Linux; elsewhere it is the process, which gives way as a whole. */
export function giveWayInThread(niceness: number): void {
  if (process.platform === "linux") atLeast(niceness, 0);
}

function atLeast(niceness: number, thread: number): void {
  if (getPriority(thread) < niceness) setPriority(thread, niceness);
}
