/** One run: what it is, how far it is, and its curves, live from its event stream. */
import "./run.css";
import { useEffect, useMemo, useState } from "preact/hooks";
import { href } from "../router.ts";
import type { ViewProps } from "../routes.tsx";
import { Bar } from "../shared/bar.tsx";
import { count } from "../shared/format.ts";
import { CurveFigure } from "./curve-figure.tsx";
import { Details } from "./details.tsx";
import { Figures } from "./figures.tsx";
import { RunHead } from "./run-head.tsx";
import { RunStore } from "./run-store.ts";

export function RunView({ params: { id = "" } }: ViewProps) {
  const store = useMemo(() => new RunStore(id), [id]);
  useEffect(() => {
    void store.open();
    return () => store.close();
  }, [store]);
  const [logarithmic, setLogarithmic] = useState(false);
  const job = store.job.value;
  const name = job ? (job.name ?? job.id) : null;
  useEffect(() => {
    if (name !== null) document.title = `${name} · epochd`;
  }, [name]);
  if (!job) return <Missing trouble={store.trouble.value} />;
  store.version.value;
  const losses = store.curves.lossChart();
  const metrics = store.curves.metricChart();
  const latest = store.latest.value;
  const { epoch, epochs } = latest && latest.epoch >= job.progress.epoch ? latest : job.progress;
  return (
    <article class="stack run">
      <RunHead job={job} store={store} />
      {job.error && (
        <p class="notice" role="alert">
          {job.error.title}: {job.error.detail}
        </p>
      )}
      <section class="card stack" aria-label="Progress">
        <Bar value={epoch} max={epochs} label={`epoch ${count(epoch)} of ${count(epochs)}`} />
        <Figures job={job} live={latest} />
      </section>
      {store.curves.epochs.length > 0 && (
        <CurveFigure title="Loss per epoch" {...losses} logarithmic={logarithmic}>
          <button type="button" aria-pressed={logarithmic} onClick={() => setLogarithmic(!logarithmic)}>
            log scale
          </button>
        </CurveFigure>
      )}
      {metrics.curves.length > 0 && <CurveFigure title="Metrics" {...metrics} logarithmic={false} />}
      <Details job={job} />
    </article>
  );
}

function Missing({ trouble }: { trouble: string | null }) {
  if (trouble === null)
    return (
      <p class="soft" role="status">
        Loading the run…
      </p>
    );
  return (
    <div class="stack">
      <p class="notice" role="alert">
        {trouble}
      </p>
      <p>
        <a href={href("/")}>All runs</a>
      </p>
    </div>
  );
}
