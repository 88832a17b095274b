/** One run: what it is, how far it is, and its curves, live from its event stream. */
import "./run.css";
import { useComputed } from "@preact/signals";
import { href } from "../router.ts";
import type { ViewProps } from "../routes.tsx";
import { Bar } from "../shared/bar.tsx";
import { useCalm } from "../shared/calm.ts";
import { count } from "../shared/format.ts";
import { NotYet, useOpened, useTitle } from "../shared/opened.tsx";
import { EventLog } from "./event-log.tsx";
import { Figures, progressOf } from "./figures.tsx";
import { Network } from "./network.tsx";
import { RunCharts } from "./run-charts.tsx";
import { RunHead } from "./run-head.tsx";
import { RunStore } from "./run-store.ts";
import { SpecText } from "./spec-text.tsx";

export function RunView({ params: { id = "" } }: ViewProps) {
  const store = useOpened(id, () => new RunStore(id));
  const job = store.job.value;
  const name = job ? (job.name ?? job.id) : null;
  useTitle(name);
  if (!job) return <NotYet what="the run" trouble={store.trouble.value} all={[href("/"), "All runs"]} />;
  return (
    <article class="stack run">
      <RunHead job={job} store={store} />
      {job.error && (
        <p class="notice" role="alert">
          {job.error.title}: {job.error.detail}
        </p>
      )}
      <Progress store={store} />
      <Charts store={store} />
      <div class="run-details">
        <Network summary={job.model_summary} />
        <Happened store={store} />
      </div>
      <SpecText spec={job.spec} />
    </article>
  );
}

/** What changes with each event stands in components of its own, so that nothing else is rendered again. */
function Progress({ store: { job, history, version } }: { store: RunStore }) {
  useCalm(version);
  if (!job.value) return null;
  const { epoch, epochs } = progressOf(job.value, history);
  return (
    <section class="card stack" aria-label="Progress">
      <Bar value={epoch} max={epochs} label={`epoch ${count(epoch)} of ${count(epochs)}`} />
      <Figures job={job.value} history={history} />
    </section>
  );
}

function Charts({ store }: { store: RunStore }) {
  const { history, version } = store;
  const begun = useComputed(() => {
    version.value;
    return history.length > 0 || history.steps.step.length > 0;
  });
  const job = store.job.value;
  if (!job) return null;
  if (begun.value) return <RunCharts store={store} job={job} />;
  return (
    <p class="card soft">
      {job.status === "queued" || job.status === "running"
        ? "The curves begin with the first epoch."
        : "This run has trained no whole epoch."}
    </p>
  );
}

function Happened({ store: { history, version } }: { store: RunStore }) {
  const told = useComputed(() => {
    version.value;
    return history.events.length;
  });
  return <EventLog events={history.events} told={told.value} />;
}
