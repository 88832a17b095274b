/** For figures that change with every event: nobody reads sixty a second, and each costs the page a new layout. */
import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const CALM_MS = 100;

/** The signal's value, rendered again ten times a second at most; what comes between is shown with the next. */
export function useCalm<T>(source: ReadonlySignal<T>): T {
  const shown = useSignal(source.peek());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = source.subscribe(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        shown.value = source.peek();
      }, CALM_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [source]);
  return shown.value;
}
