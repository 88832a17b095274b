/** How a view of one thing begins: it opens what it shows, tries again while nobody answers, and says what it waits for. */
import type { Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { messageOf } from "../service/client.ts";
import { persist } from "../service/persist.ts";

/** What a view shows, live. */
interface Store {
  readonly trouble: Signal<string | null>;
  /** Throws what the service answers instead. */
  open(): Promise<void>;
  close(): void;
}

export function useOpened<S extends Store>(id: string, make: () => S): S {
  const store = useMemo(make, [id]);
  useEffect(() => {
    let closed = false;
    const say = (trouble: string | null) => {
      if (!closed) store.trouble.value = trouble;
    };
    persist(() => store.open(), { onAway: say, isStopped: () => closed }).then(
      () => say(null),
      (error) => say(messageOf(error)),
    );
    return () => {
      closed = true;
      store.close();
    };
  }, [store]);
  return store;
}

/** Names the page after what it shows; null until that is known. */
export function useTitle(name: string | null): void {
  useEffect(() => {
    if (name !== null) document.title = `${name} · epochd`;
  }, [name]);
}

/** In place of what is not there yet, or can't be had; `all` is where to look for others. */
export function NotYet({
  what,
  trouble,
  all,
}: {
  what: string;
  trouble: string | null;
  all: [href: string, name: string];
}) {
  if (trouble === null)
    return (
      <p class="soft" role="status">
        Loading {what}…
      </p>
    );
  const [href, name] = all;
  return (
    <div class="stack">
      <p class="notice" role="alert">
        {trouble}
      </p>
      <p>
        <a href={href}>{name}</a>
      </p>
    </div>
  );
}
