/** Runs over each other: their curves, what differs in their specs, and what came of it. */
import "./compare.css";
import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Curve, lookOf } from "../chart/curve.ts";
import { ChartFigure } from "../chart/figure.tsx";
import { Swatch } from "../chart/legend.tsx";
import { ChartWindow } from "../chart/window.ts";
import { href, place, restate } from "../router.ts";
import type { ViewProps } from "../routes.tsx";
import { type ChartChoice, choiceOf, formatOf, queryOf } from "../run/chart-choice.ts";
import { ChartTools } from "../run/chart-tools.tsx";
import { smooth } from "../run/run-curves.ts";
import { useCalm } from "../shared/calm.ts";
import { Connecting } from "../shared/connecting.tsx";
import { capital, count, figure, label } from "../shared/format.ts";
import { Status } from "../shared/status.tsx";
import { AddRun } from "./add-run.tsx";
import { BestSoFar } from "./best-so-far.tsx";
import { type ComparedRun, CompareStore } from "./compare-store.ts";
import { DifferenceTable } from "./difference-table.tsx";
import { dimensionsOf, outcomesOf } from "./outcomes.ts";
import { ParallelCoordinates } from "./parallel-coordinates.tsx";
import { SweepList } from "./sweep-list.tsx";
import { SweepView } from "./sweep-view.tsx";

/** Runs that were chosen, or the trials of a sweep. */
export function CompareView({ query }: ViewProps) {
  const sweep = query.get("sweep");
  return sweep === null ? <CompareRuns query={query} /> : <SweepView key={sweep} id={sweep} />;
}

function CompareRuns({ query }: { query: URLSearchParams }) {
  const ids = (query.get("jobs") ?? "").split(",").filter(Boolean);
  const store = useMemo(() => new CompareStore(ids), [ids.join()]);
  useEffect(() => {
    void store.open();
    return () => store.close();
  }, [store]);
  const runs = store.runs.value;
  const waitedFor = ids.length - runs.length - store.missing.value.length;
  const waiting = waitedFor > 0 && (
    <p class="soft" role="status">
      Loading {count(waitedFor)} {runs.length > 0 && "more "}
      {waitedFor === 1 ? "run" : "runs"}…
    </p>
  );
  const choose = (jobs: readonly string[]) => restate({ ...asRecord(query), jobs: jobs.join(",") });
  return (
    <article class="stack">
      <div class="row">
        <h1>Compare</h1>
        {store.connection.value !== "ended" && <Connecting connection={store.connection.value} />}
        <div class="push">
          <AddRun known={ids} add={(id) => choose([...ids, id])} />
        </div>
      </div>
      {store.missing.value.map((why) => (
        <p key={why} class="notice" role="alert">
          {why}
        </p>
      ))}
      {ids.length === 0 ? (
        <>
          <p class="card">
            Choose runs to set against each other: here, or by the boxes in the list of <a href={href("/")}>all runs</a>
            .
          </p>
          <SweepList />
        </>
      ) : runs.length === 0 ? (
        waiting
      ) : (
        <>
          {waiting}
          <RunChips runs={runs} remove={(id) => choose(ids.filter((other) => other !== id))} />
          <Overlay store={store} />
          <Reached store={store} />
          <DifferenceTable runs={runs} />
        </>
      )}
    </article>
  );
}

function RunChips({ runs, remove }: { runs: readonly ComparedRun[]; remove: (id: string) => void }) {
  return (
    <ul class="row compared">
      {runs.map(({ job, place }) => (
        <li key={job.id} class="row">
          <Swatch curve={lookOf(place)} />
          <a href={href(`/runs/${job.id}`)}>{job.name ?? job.id}</a>
          <Status status={job.status} />
          <button
            type="button"
            class="quiet"
            aria-label={`Take ${job.name ?? job.id} out of the comparison`}
            onClick={() => remove(job.id)}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}

function Overlay({ store }: { store: CompareStore }) {
  const runs = store.runs.value;
  const { query } = place.value;
  const choice = choiceOf(query);
  const window = useMemo(() => new ChartWindow(), [store]);
  const columns = useComputed(() => {
    store.version.value;
    return columnsOf(store.runs.value).join();
  }).value.split(",");
  const column = query.get("column") ?? (columns.includes("val_loss") ? "val_loss" : "loss");
  const shape = `${columns} ${runs.map(({ job }) => job.id)}`;
  const curves = useMemo(
    () => smooth(curvesOf(runs, column, choice), choice),
    [store, shape, column, JSON.stringify(choice)],
  );
  const choose = (next: ChartChoice) => {
    if (next.axis !== choice.axis) window.reset();
    restate({ ...asRecord(query), ...queryOf(next) });
  };
  return (
    <>
      <div class="row">
        <label class="row small">
          <span class="soft">Curve</span>
          <select
            value={column}
            onChange={({ currentTarget }) => restate({ ...asRecord(query), column: currentTarget.value })}
          >
            {columns.map((name) => (
              <option key={name} value={name}>
                {label(name)}
              </option>
            ))}
          </select>
        </label>
        <ChartTools choice={choice} choose={choose} />
      </div>
      <ChartFigure
        title={capital(label(column))}
        curves={curves}
        window={window}
        version={store.version}
        logarithmic={choice.logarithmic}
        xName={choice.axis}
        formatX={formatOf[choice.axis]}
        formatY={figure}
        fileName={`compare-${column}`}
        tall
      />
    </>
  );
}

/** What the runs have reached, set against their settings and against each other. */
function Reached({ store }: { store: CompareStore }) {
  useCalm(store.version);
  const runs = store.runs.value;
  const outcomes = outcomesOf(runs);
  const places = outcomes.of.map(({ index }) => index);
  // What specs differ in is much to find out, and changes with a job alone; figures come ten times a second.
  const settings = useMemo(
    () => dimensionsOf(places.flatMap((place) => runs[place]?.job ?? [])),
    [runs, places.join()],
  );
  if (outcomes.of.length < 3) return null;
  return (
    <div class="reached">
      <ParallelCoordinates outcomes={outcomes} settings={settings} />
      <BestSoFar outcomes={outcomes} xName="run" />
    </div>
  );
}

function curvesOf(runs: readonly ComparedRun[], column: string, { axis }: ChartChoice): Curve[] {
  return runs.map(({ job, history, place }) => ({
    id: job.id,
    label: job.name ?? job.id,
    ...lookOf(place),
    x: history.column(axis),
    y: history.column(column),
  }));
}

/** The columns that any of the runs has, those of the loss first. */
function columnsOf(runs: readonly ComparedRun[]): string[] {
  const metrics = new Set(runs.flatMap(({ history }) => history.metrics));
  const hasValidation = runs.some(({ history }) => history.hasValidation);
  return ["loss", ...(hasValidation ? ["val_loss"] : []), ...metrics, "lr", "samples_per_s"];
}

const asRecord = (query: URLSearchParams): Record<string, string> => Object.fromEntries(query);
