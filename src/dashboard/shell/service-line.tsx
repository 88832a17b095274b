/** Whether the service answers, and which it is. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Health, health } from "../service/jobs.ts";

const EVERY_MS = 5000;

const known = signal<Health | "away" | null>(null);

export function ServiceLine() {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const look = async () => {
      if (!document.hidden) known.value = await health().catch(() => "away" as const);
      if (!stopped) timer = setTimeout(look, EVERY_MS);
    };
    void look();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, []);
  const state = known.value;
  if (state === "away") {
    return (
      <p class="service away" role="status">
        The service does not answer
      </p>
    );
  }
  return (
    <p class="service" role="status" title={state?.broker.promise}>
      {state && `${state.version} · ${state.broker.kind} broker`}
    </p>
  );
}
