/** What the log says of a broker that is away: connections notice it several times a second, a person needs to hear it now and then. */
import type { Redis } from "ioredis";
import type { Logger } from "pino";

/** The same is said again after so long. */
const AGAIN_MS = 60_000;

/** Gives what to call with each error; says once that the broker is back, as `redis` hears it. */
export function tellBrokerTrouble(redis: Redis, logger: Logger): (error: Error) => void {
  const told = new Map<string, number>();
  redis.on("ready", () => {
    if (told.size === 0) return;
    told.clear();
    logger.info("the broker answers again");
  });
  return ({ message: reason }) => {
    const before = told.get(reason);
    const now = performance.now();
    if (before !== undefined && now - before < AGAIN_MS) return;
    told.set(reason, now);
    logger.warn({ reason }, "trouble with the broker");
  };
}
