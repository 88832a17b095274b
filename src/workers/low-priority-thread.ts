/** The trainer's thread, before it loads anything: dozens that start at once must not keep others from the cores, either. */
import { giveWayInThread, NICENESS } from "./niceness.ts";

giveWayInThread(NICENESS.trainer);
await import("./trainer-thread.ts");
