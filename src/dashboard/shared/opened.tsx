/** How a view of one thing begins: it opens what it shows, tries again while nobody answers, and says what it waits for. */
import type { Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { isAway, messageOf } from "../service/client.ts";

/** How long the page waits before it asks again for what it could not get. */
export const RETRY_MS = 1000;

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
    let again: ReturnType<typeof setTimeout> | undefined;
    const open = async () => {
      try {
        await store.open();
        store.trouble.value = null;
      } catch (error) {
        if (closed) return;
        store.trouble.value = messageOf(error);
        if (isAway(error)) again = setTimeout(() => void open(), RETRY_MS);
      }
    };
    void open();
    return () => {
      closed = true;
      clearTimeout(again);
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
