/** The trainer's thread, before it loads anything: dozens that start at once must not keep others from the cores, either. */
import { setPriority } from "node:os";

/** A thread of usual priority gets nine times as much of a core that both want. */
const NICENESS = 10;

// Linux takes it for this thread alone, and for those that it starts: whoever answers requests goes first on a busy core.
if (process.platform === "linux") setPriority(NICENESS);
await import("./trainer-thread.ts");
