/** A sweep while it searches: what its trials were given and what they have reached, live from its event stream. */
import "./compare.css";
import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import { href } from "../router.ts";
import { messageOf } from "../service/client.ts";
import { isFinished } from "../service/jobs.ts";
import { cancelSweep, mostTrials, objectiveOf, pauseSweep, resumeSweep, type Sweep } from "../service/sweeps.ts";
import { Bar } from "../shared/bar.tsx";
import { useCalm } from "../shared/calm.ts";
import { Connecting } from "../shared/connecting.tsx";
import { count, figure, label } from "../shared/format.ts";
import { NotYet, useOpened, useTitle } from "../shared/opened.tsx";
import { Status } from "../shared/status.tsx";
import { BestSoFar } from "./best-so-far.tsx";
import { Leaderboard } from "./leaderboard.tsx";
import { MOST_SETTINGS, ParallelCoordinates } from "./parallel-coordinates.tsx";
import { SweepStore } from "./sweep-store.ts";
import { drawnDimensions, ranked, trialOutcomes } from "./trials.ts";

/** So many of the best are set over each other by one click. */
const BEST = 5;

export function SweepView({ id }: { id: string }) {
  const store = useOpened(id, () => new SweepStore(id));
  const sweep = store.sweep.value;
  const name = sweep ? (sweep.name ?? sweep.id) : null;
  useTitle(name);
  if (!sweep) return <NotYet what="the sweep" trouble={store.trouble.value} all={[href("/compare"), "All sweeps"]} />;
  return (
    <article class="stack sweep">
      <SweepHead sweep={sweep} store={store} />
      {sweep.error && (
        <p class="notice" role="alert">
          {sweep.error.title}: {sweep.error.detail}
        </p>
      )}
      <Trials store={store} sweep={sweep} />
    </article>
  );
}

function SweepHead({ sweep, store }: { sweep: Sweep; store: SweepStore }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const attempt = async (action: (id: string) => Promise<unknown>) => {
    setTrouble(null);
    await action(sweep.id).catch((error) => setTrouble(messageOf(error)));
    await store.reload();
  };
  const finished = isFinished(sweep.status);
  const compared = ranked(store.trials.value, objectiveOf(sweep))
    .flatMap(({ job_id, value }) => (job_id === null || value === null ? [] : [job_id]))
    .slice(0, BEST);
  return (
    <header class="stack run-head">
      <div class="row">
        <h1>{sweep.name ?? sweep.id}</h1>
        <Status status={sweep.status} />
        {!finished && <Connecting connection={store.connection.value} />}
        <div class="row push">
          {compared.length > 1 && (
            <a class="button primary" href={href("/compare", { jobs: compared.join(",") })}>
              Compare the best {compared.length}
            </a>
          )}
          {sweep.status === "paused" && (
            <button type="button" onClick={() => attempt(resumeSweep)}>
              Resume
            </button>
          )}
          {(sweep.status === "queued" || sweep.status === "running") && (
            <button type="button" disabled={sweep.pause_requested} onClick={() => attempt(pauseSweep)}>
              Pause
            </button>
          )}
          {!finished && (
            <button type="button" class="danger" disabled={sweep.cancel_requested} onClick={() => attempt(cancelSweep)}>
              Cancel
            </button>
          )}
        </div>
      </div>
      <p class="facts soft small">
        <code>{sweep.id}</code> · {factsOf(sweep).join(" · ")}
      </p>
      {(trouble ?? store.trouble.value) && (
        <p class="notice" role="alert">
          {trouble ?? store.trouble.value}
        </p>
      )}
    </header>
  );
}

function Trials({ store, sweep }: { store: SweepStore; sweep: Sweep }) {
  const trials = useCalm(store.trials);
  const version = useComputed(() => store.trials.value.length);
  const objective = objectiveOf(sweep);
  const { drawn, queued, running, paused, waiting } = sweep.trials;
  const ended = drawn - queued - running - paused - waiting;
  const valued = trials.filter(({ value, job_id }) => value !== null && job_id !== null);
  const best = ranked(valued, objective)[0];
  const outcomes = trialOutcomes(valued, objective);
  const most = mostTrials(sweep);
  return (
    <>
      <section class="card stack" aria-label="Progress">
        <Bar value={ended} max={most} label={`${count(ended)} of ${count(most)} trials have ended`} />
        <dl class="tiles">
          <Tile name="trials ended" value={`${count(ended)} / ${count(most)}`} />
          <Tile name="training" value={count(running)} />
          {waiting > 0 && <Tile name="waiting at a rung" value={count(waiting)} />}
          {sweep.trials.invalid > 0 && <Tile name="can't train" value={count(sweep.trials.invalid)} />}
          {best && <Tile name={`best ${label(objective.metric)}`} value={figure(best.value)} />}
          {best && <Tile name="by" value={`trial ${best.number}`} />}
        </dl>
      </section>
      {valued.length === 0 && !isFinished(sweep.status) && (
        <p class="card soft">The curves begin with the first epoch of a trial.</p>
      )}
      {valued.length > 1 && (
        <div class="reached">
          <ParallelCoordinates outcomes={outcomes} settings={drawnDimensions(valued, MOST_SETTINGS)} />
          <BestSoFar outcomes={outcomes} version={version} xName="trial" />
        </div>
      )}
      {trials.length > 0 && <Leaderboard trials={ranked(trials, objective)} metric={objective.metric} />}
    </>
  );
}

const Tile = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt title={name}>{name}</dt>
    <dd>{value}</dd>
  </div>
);

function factsOf({ spec, metadata, epochs_trained, worker }: Sweep): string[] {
  const strategy = spec["strategy"] as { readonly type?: string } | string | undefined;
  const type = typeof strategy === "object" ? strategy.type : strategy;
  return [
    `${type ?? "random"}${spec["asha"] ? " with ASHA" : ""}`,
    ...(epochs_trained > 0 ? [`${count(epochs_trained)} epochs trained`] : []),
    ...(worker === null ? [] : [`steered by ${worker}`]),
    ...Object.entries(metadata).map(([key, value]) => `${key}: ${value}`),
  ];
}
