/** A model at work: what it has learned by each epoch, what it says when asked, and where it errs. */
import "./try.css";
import { href } from "../router.ts";
import type { ViewProps } from "../routes.tsx";
import { isFinished, type Job } from "../service/jobs.ts";
import type { Predictions } from "../service/predictions.ts";
import { Bar } from "../shared/bar.tsx";
import { Connecting } from "../shared/connecting.tsx";
import { count } from "../shared/format.ts";
import { NotYet, useOpened, useTitle } from "../shared/opened.tsx";
import { Status } from "../shared/status.tsx";
import { ConfusionCard } from "./confusion-card.tsx";
import { PredictCard } from "./predict-card.tsx";
import { ProbesCard } from "./probes-card.tsx";
import { ResidualsCard } from "./residuals-card.tsx";
import { type Grid, TryStore } from "./try-store.ts";

export function TryView({ params: { id = "" } }: ViewProps) {
  const store = useOpened(id, () => new TryStore(id));
  const job = store.job.value;
  const name = job ? (job.name ?? job.id) : null;
  useTitle(name);
  if (!job) return <NotYet what="the model" trouble={store.trouble.value} all={[href("/"), "All runs"]} />;
  const frames = store.frames.value;
  const predictions = store.predictions.value;
  const ask = <Ask job={job} predictions={predictions} isBare={store.isBare.value} />;
  const epoch = Math.max(job.progress.epoch, frames.at(-1)?.epoch ?? 0);
  const errors = (
    <>
      <ConfusionCard confusions={store.confusions.value} predictions={predictions} />
      <ResidualsCard predictions={predictions} />
    </>
  );
  return (
    <article class="stack try">
      <header class="stack run-head">
        <div class="row">
          <h1>{name}</h1>
          <Status status={job.status} />
          {!isFinished(job.status) && <Connecting connection={store.connection.value} />}
          <nav class="row push" aria-label="This run">
            <a class="button" href={href(`/runs/${id}`)}>
              Curves
            </a>
            <a class="button" href={href("/new", { from: id })}>
              Clone
            </a>
          </nav>
        </div>
        {!isFinished(job.status) && (
          <Bar
            value={epoch}
            max={job.progress.epochs}
            label={`epoch ${count(epoch)} of ${count(job.progress.epochs)}`}
          />
        )}
      </header>
      {job.error && (
        <p class="notice" role="alert">
          {job.error.title}: {job.error.detail}
        </p>
      )}
      <div class="panes">
        {hasProbes(job) ? (
          <>
            <ProbesCard job={job} loss={lossOf(job)} grid={gridOf(job)} frames={frames} predictions={predictions} />
            <div class="stack">
              {ask}
              {errors}
            </div>
          </>
        ) : (
          <>
            {ask}
            <div class="stack">{errors}</div>
          </>
        )}
      </div>
      {!hasProbes(job) && hasFewColumns(predictions) && (
        <p class="soft small">
          This run was not looked at while it trained. <a href={href("/new", { from: id })}>Clone it</a> with probes,
          and what it learns can be watched as it grows.
        </p>
      )}
    </article>
  );
}

function Ask({ job, predictions, isBare }: { job: Job; predictions: Predictions | null; isBare: boolean }) {
  if (predictions || isBare) return <PredictCard job={job} predictions={predictions} />;
  return (
    <section class="card stack" aria-label="Predict">
      <h2>Predict</h2>
      <p class="soft">
        {isFinished(job.status)
          ? "It has stored no weights to ask."
          : "It can be asked as soon as it has stored its first weights."}
      </p>
    </section>
  );
}

function lossOf({ spec }: Job): string {
  const loss = spec["loss"];
  return typeof loss === "object" && loss !== null && "type" in loss ? String(loss.type) : "";
}

/** A grid over the pixels of a picture shows nothing. */
const hasFewColumns = (predictions: Predictions | null): boolean => (predictions?.inputs?.[0]?.length ?? 65) < 64;

const hasProbes = ({ spec }: Job): boolean => spec["probes"] !== null && spec["probes"] !== undefined;

/** As the service completed it. */
function gridOf({ spec }: Job): Grid | null {
  const probes = spec["probes"] as { readonly grid?: Grid } | null | undefined;
  return probes?.grid ?? null;
}
