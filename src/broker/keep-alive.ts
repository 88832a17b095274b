/** Starts a broker that died again, at the same place with the same files, so that its clients only have to reconnect. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker, Endpoint, OwnBroker } from "./broker.ts";

const TRIES = 3;
const PAUSE_MS = 300;
/** A broker that dies again within this time has a reason that another start won't remove. */
const STABLE_MS = 5000;

export async function keepAlive(
  first: { broker: OwnBroker; endpoint: Endpoint },
  start: (endpoint: Endpoint) => Promise<OwnBroker>,
  tell: (news: string) => void,
): Promise<Broker> {
  let current = first.broker;
  let closing = false;
  let restarting: Promise<void> = Promise.resolve();
  const lost = Promise.withResolvers<string>();

  const watch = (broker: OwnBroker, failures: number) => {
    const since = performance.now();
    void broker.lost.then((reason) => {
      if (closing) return;
      restarting = restart(reason, performance.now() - since < STABLE_MS ? failures + 1 : 1);
    });
  };
  const restart = async (reason: string, failures: number): Promise<void> => {
    if (failures > TRIES) return lost.resolve(reason);
    tell(`The broker died (${reason}); it is started again.`);
    await sleep(PAUSE_MS);
    if (closing) return;
    try {
      current = await start(first.endpoint);
      for (const notice of current.notices) tell(notice);
      watch(current, failures);
    } catch (error) {
      await restart(error instanceof Error ? error.message : String(error), failures + 1);
    }
  };

  watch(first.broker, 0);
  const { url, kind, promise, notices } = first.broker;
  return {
    url,
    kind,
    promise,
    notices,
    lost: lost.promise,
    close: async () => {
      closing = true;
      await restarting;
      await current.close();
    },
  };
}
