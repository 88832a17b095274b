/** Says that what is shown may be old, once a connection has been away for long enough to notice. */
import "./connecting.css";
import { useEffect, useState } from "preact/hooks";
import type { Connection } from "../service/event-stream.ts";

const PATIENCE_MS = 700;

export function Connecting({ connection }: { connection: Connection }) {
  const isAway = connection === "connecting" || connection === "reconnecting";
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!isAway) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [isAway]);
  return (
    <span class={`connecting ${connection}`} role="status">
      {isAway && late ? "Reconnecting: nothing is lost…" : connection === "open" ? "live" : ""}
    </span>
  );
}
