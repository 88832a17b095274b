/** Asks again while nobody answers: the page goes on by itself after a restart of the service. */
import { isAway } from "./client.ts";

/** How long the page waits before it asks again for what it could not get. */
const RETRY_MS = 1000;

const AWAY = "The service does not answer. The page goes on as soon as it does.";

interface Persistence {
  /** Hears what to tell a person, each time that nobody answered. */
  readonly onAway?: (message: string) => void;
  /** Whether nobody waits for it any more. */
  readonly isStopped: () => boolean;
}

/** What `attempt` gives at last; throws what the service answers instead. */
export async function persist<T>(attempt: () => Promise<T>, { onAway, isStopped }: Persistence): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isAway(error) || isStopped()) throw error;
      onAway?.(AWAY);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (isStopped()) throw error;
    }
  }
}
