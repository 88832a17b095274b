/** Words to the worker that runs a job, over publish and subscribe. Whoever misses one finds it in the state, too. */
import type { Redis } from "ioredis";
import { z } from "zod";
import type { Keys } from "./keys.ts";

const Signal = z.object({ signal: z.enum(["cancel", "pause", "change"]), id: z.string() });
export type Signal = z.infer<typeof Signal>;

export async function sendSignal(redis: Redis, keys: Keys, signal: Signal): Promise<void> {
  await redis.publish(keys.control, JSON.stringify(signal));
}

/** `redis` must be a connection of its own: a subscriber can do nothing else. */
export async function onSignal(redis: Redis, keys: Keys, listener: (signal: Signal) => void): Promise<void> {
  redis.on("message", (_channel, text) => {
    const signal = readSignal(text);
    if (signal) listener(signal);
  });
  await redis.subscribe(keys.control);
}

/** null for what another version of the service may say on this channel: no reason to end. */
function readSignal(text: string): Signal | null {
  try {
    return Signal.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
