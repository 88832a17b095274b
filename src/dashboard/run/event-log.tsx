/** What happened to a run, newest first. */
import { useState } from "preact/hooks";
import type { ToldEvent } from "../service/jobs.ts";
import { bytes, count, duration } from "../shared/format.ts";
import { now } from "../shared/now.ts";

const SHOWN = 50;

/** The list grows in place: `told`, how many it holds, is what says that there is something to render again. */
export function EventLog({ events, told }: { events: readonly ToldEvent[]; told: number }) {
  const [all, setAll] = useState(false);
  const shown = events.slice(all ? 0 : -SHOWN).reverse();
  return (
    <section class="card stack" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <ol class="events" tabIndex={0} aria-labelledby="events-title">
        {shown.map((event) => (
          <li key={event.seq} class={event.event}>
            <time dateTime={event.time} title={new Date(event.time).toLocaleString()}>
              {timeOf(event.time)}
            </time>
            <strong>{event.event}</strong>
            <span>{textOf(event)}</span>
          </li>
        ))}
      </ol>
      {!all && told > SHOWN && (
        <button type="button" onClick={() => setAll(true)}>
          All {count(told)} events
        </button>
      )}
    </section>
  );
}

/** The time of day, with the date if that is another. */
function timeOf(time: string): string {
  const then = new Date(time);
  const isToday = then.toDateString() === new Date(now.peek()).toDateString();
  return isToday ? then.toLocaleTimeString() : then.toLocaleString();
}

function textOf(event: ToldEvent): string {
  switch (event.event) {
    case "queued":
      return event.reason === "submitted" ? "" : `after epoch ${count(event.epoch)}: ${words(event.reason)}`;
    case "started":
      return `by ${event.worker} on ${event.device}`;
    case "resumed":
      return `from epoch ${count(event.epoch)} by ${event.worker} on ${event.device}: ${words(event.reason)}`;
    case "paused":
      return `after epoch ${count(event.epoch)}`;
    case "checkpoint":
      return `epoch ${count(event.epoch)}, ${bytes(event.bytes)}${event.best ? ", the best so far" : ""}`;
    case "changed":
      return `from epoch ${count(event.epoch)} on: ${JSON.stringify(event.change)}`;
    case "anomaly":
      return `${event.detail} (${event.action})`;
    case "completed":
      return `after epoch ${count(event.final.epoch)}`;
    case "failed":
      return event.error.detail;
    case "cancelled":
      return `after epoch ${count(event.epoch)}: ${words(event.reason)}`;
    case "probe":
      return `after epoch ${count(event.epoch)}`;
    case "epoch":
      return `${count(event.epoch)} in ${duration(event.elapsed_ms / 1000)}`;
    default:
      return "";
  }
}

const words = (reason: string): string => reason.replaceAll("_", " ");
