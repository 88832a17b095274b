/** For figures that change with every event: nobody reads sixty a second, and each costs the page a new layout. */
import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const CALM_MS = 100;

/** Ten times a second at most: what is asked for in between is shown with the next. */
export interface Calm {
  soon(): void;
  stop(): void;
}

export function calm(show: () => void): Calm {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    soon() {
      timer ??= setTimeout(() => {
        timer = undefined;
        show();
      }, CALM_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/** The signal's value, rendered so. */
export function useCalm<T>(source: ReadonlySignal<T>): T {
  const shown = useSignal(source.peek());
  useEffect(() => {
    const { soon, stop } = calm(() => {
      shown.value = source.peek();
    });
    const unfollow = source.subscribe(soon);
    return () => {
      unfollow();
      stop();
    };
  }, [source]);
  return shown.value;
}
