/** All runs, live: filtered, searched, sorted, chosen for a comparison. */
import "./runs.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { href, restate } from "../router.ts";
import type { ViewProps } from "../routes.tsx";
import type { JobSummary } from "../service/jobs.ts";
import { liveJobs } from "../service/live-jobs.ts";
import { Connecting } from "../shared/connecting.tsx";
import { count } from "../shared/format.ts";
import { type Choice, chooseRuns, countByStatus, SORT_KEYS, STATUSES } from "./choose-runs.ts";
import { RunTable } from "./run-table.tsx";
import { Welcome } from "./welcome.tsx";

/** As many as one stream follows. */
const MOST_COMPARED = 100;

export function RunsView({ query }: ViewProps) {
  useEffect(() => liveJobs.use(), []);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const all = liveJobs.all.value;
  const complete = liveJobs.complete.value;
  const choice = choiceOf(query);
  const rows = chooseRuns(all.values(), choice);
  const choose = (change: Partial<Choice>) => restate(queryOf({ ...choice, ...change }));
  const toggle = ({ id }: JobSummary) => {
    const next = new Set(chosen);
    if (!next.delete(id) && next.size < MOST_COMPARED) next.add(id);
    setChosen(next);
  };
  // One that was deleted meanwhile is no longer chosen.
  const compared = [...chosen].filter((id) => all.has(id));
  const isEmpty = complete && all.size === 0;
  return (
    <div class="stack">
      <div class="row runs-head">
        <h1>Runs</h1>
        <Connecting connection={liveJobs.connection.value} />
        <div class="row push">
          {compared.length > 0 && (
            <>
              <button type="button" class="quiet" onClick={() => setChosen(new Set())}>
                Clear choice
              </button>
              <a class="button primary" href={href("/compare", { jobs: compared.join(",") })}>
                Compare {compared.length === 1 ? "1 run" : `${compared.length} runs`}
              </a>
            </>
          )}
        </div>
      </div>
      {liveJobs.refused.value && (
        <p class="notice" role="alert">
          {liveJobs.refused.value}
        </p>
      )}
      {isEmpty ? (
        <Welcome />
      ) : (
        <>
          <Filters all={all} choice={choice} choose={choose} found={rows.length} />
          {!complete && all.size === 0 ? (
            <LoadingRows />
          ) : rows.length === 0 ? (
            <div class="card row">
              <p>No run matches.</p>
              <button type="button" onClick={() => choose({ search: "", status: null })}>
                Show all runs
              </button>
            </div>
          ) : (
            <RunTable rows={rows} choice={choice} choose={choose} chosen={chosen} toggle={toggle} />
          )}
        </>
      )}
    </div>
  );
}

interface FilterProps {
  readonly all: ReadonlyMap<string, JobSummary>;
  readonly choice: Choice;
  readonly choose: (change: Partial<Choice>) => void;
  readonly found: number;
}

function Filters({ all, choice, choose, found }: FilterProps) {
  const counts = countByStatus(all.values());
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <search class="row runs-filters">
      <label class="runs-search">
        <span class="spoken">Search by name, id, metadata or worker</span>
        <input
          ref={input}
          type="search"
          placeholder="Search name, id, metadata  ( / )"
          value={choice.search}
          onInput={({ currentTarget }) => choose({ search: currentTarget.value })}
        />
      </label>
      <fieldset class="row chips">
        <legend class="spoken">Status</legend>
        <button type="button" aria-pressed={choice.status === null} onClick={() => choose({ status: null })}>
          all <span class="soft">{count(all.size)}</span>
        </button>
        {STATUSES.filter((status) => (counts.get(status) ?? 0) > 0 || choice.status === status).map((status) => (
          <button
            key={status}
            type="button"
            aria-pressed={choice.status === status}
            onClick={() => choose({ status: choice.status === status ? null : status })}
          >
            {status} <span class="soft">{count(counts.get(status) ?? 0)}</span>
          </button>
        ))}
      </fieldset>
      <span class="spoken" role="status">
        {count(found)} runs
      </span>
    </search>
  );
}

function LoadingRows() {
  return (
    <div class="card loading-rows" role="status" aria-label="Loading runs">
      {Array.from({ length: 6 }, (_, i) => (
        <div key={i} class="loading-row" />
      ))}
    </div>
  );
}

function choiceOf(query: URLSearchParams): Choice {
  const sort = query.get("sort") ?? "age";
  return {
    status: STATUSES.find((status) => status === query.get("status")) ?? null,
    search: query.get("q") ?? "",
    sort: SORT_KEYS.find((key) => key === sort.replace("-", "")) ?? "age",
    reversed: sort.startsWith("-"),
  };
}

function queryOf({ status, search, sort, reversed }: Choice): Record<string, string | undefined> {
  const order = `${reversed ? "-" : ""}${sort}`;
  return { status: status ?? undefined, q: search, sort: order === "age" ? undefined : order };
}
