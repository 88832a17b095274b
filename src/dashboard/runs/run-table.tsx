/** A table of any length: only the rows that are seen exist. Arrow keys go from run to run. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { JobSummary } from "../service/jobs.ts";
import type { Choice, SortKey } from "./choose-runs.ts";
import { RunRow } from "./run-row.tsx";

interface Props {
  readonly rows: readonly JobSummary[];
  readonly choice: Choice;
  readonly choose: (change: Partial<Choice>) => void;
  readonly chosen: ReadonlySet<string>;
  readonly toggle: (job: JobSummary) => void;
}

const COLUMNS: readonly { title: string; key?: SortKey; class: string }[] = [
  { title: "Compare", class: "pick" },
  { title: "Name", key: "name", class: "name" },
  { title: "Status", key: "status", class: "state" },
  { title: "Progress", key: "progress", class: "progress" },
  { title: "Loss", key: "loss", class: "loss" },
  { title: "Best", key: "best", class: "best" },
  { title: "Samples/s", key: "speed", class: "speed" },
  { title: "Trained by", class: "worker" },
  { title: "Age", key: "age", class: "age" },
];

const narrow = matchMedia("(max-width: 760px)");
const heightOf = (): number => (narrow.matches ? 84 : 56);
/** Rows beyond the edges of the window, so that Tab and a fast wheel find them there. */
const BEYOND = 8;

export function RunTable({ rows, choice, choose, chosen, toggle }: Props) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [seen, setSeen] = useState({ first: 0, count: 30, height: heightOf() });
  useLayoutEffect(() => {
    const look = () => {
      const height = heightOf();
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / height) - BEYOND);
      const count = Math.ceil(innerHeight / height) + 2 * BEYOND;
      setSeen((before) =>
        before.first === first && before.count === count && before.height === height
          ? before
          : { first, count, height },
      );
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, []);
  const first = Math.min(seen.first, Math.max(0, rows.length - 1));
  const onKey = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const row = event.target instanceof Element ? event.target.closest("[data-row]") : null;
    if (by === 0 || !row) return;
    const next = Number(row.getAttribute("data-row")) + by;
    event.preventDefault();
    body.current?.querySelector<HTMLElement>(`[data-row="${next}"] a`)?.focus();
  };
  return (
    <table class="card runs-table" aria-label="Runs" aria-rowcount={rows.length + 1}>
      <thead>
        <tr class="runs-row runs-titles" aria-rowindex={1}>
          {COLUMNS.map(({ title, key, class: name }) => (
            <th
              key={title}
              class={name}
              scope="col"
              aria-sort={key !== choice.sort ? undefined : choice.reversed ? "descending" : "ascending"}
            >
              {key ? (
                <button
                  type="button"
                  class="quiet"
                  onClick={() => choose({ sort: key, reversed: key === choice.sort && !choice.reversed })}
                >
                  {title}
                  <span aria-hidden="true">{key !== choice.sort ? "" : choice.reversed ? "↑" : "↓"}</span>
                </button>
              ) : (
                <span class={name === "pick" ? "spoken" : ""}>{title}</span>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body} class="runs-body" style={{ height: `${rows.length * seen.height}px` }} onKeyDown={onKey}>
        {rows.slice(first, first + seen.count).map((job, i) => (
          <RunRow
            key={job.id}
            job={job}
            index={first + i}
            top={(first + i) * seen.height}
            chosen={chosen.has(job.id)}
            toggle={toggle}
          />
        ))}
      </tbody>
    </table>
  );
}
