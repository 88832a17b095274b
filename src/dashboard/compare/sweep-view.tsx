/** A sweep while it searches: what its trials were given and what they have reached, live from its event stream. */
import "./compare.css";
import { useState } from "preact/hooks";
import { href } from "../router.ts";
import { messageOf } from "../service/client.ts";
import { isFinished } from "../service/jobs.ts";
import {
  cancelSweep,
  mostTrials,
  objectiveOf,
  pauseSweep,
  resumeSweep,
  type Sweep,
  type Trial,
} from "../service/sweeps.ts";
import { Bar } from "../shared/bar.tsx";
import { Connecting } from "../shared/connecting.tsx";
import { count, figure, label } from "../shared/format.ts";
import { NotYet, useOpened, useTitle } from "../shared/opened.tsx";
import { Status } from "../shared/status.tsx";
import { Tiles } from "../shared/tiles.tsx";
import { BestSoFar } from "./best-so-far.tsx";
import { Leaderboard } from "./leaderboard.tsx";
import { ParallelCoordinates } from "./parallel-coordinates.tsx";
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
  const trials = store.trials.value;
  const ranking = ranked(trials, objectiveOf(sweep));
  return (
    <article class="stack sweep">
      <SweepHead sweep={sweep} store={store} ranking={ranking} />
      {sweep.error && (
        <p class="notice" role="alert">
          {sweep.error.title}: {sweep.error.detail}
        </p>
      )}
      <Trials sweep={sweep} trials={trials} ranking={ranking} />
    </article>
  );
}

interface HeadProps {
  readonly sweep: Sweep;
  readonly store: SweepStore;
  readonly ranking: readonly Trial[];
}

function SweepHead({ sweep, store, ranking }: HeadProps) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const attempt = async (action: (id: string) => Promise<unknown>) => {
    setTrouble(null);
    await action(sweep.id).catch((error) => setTrouble(messageOf(error)));
    await store.reload();
  };
  const finished = isFinished(sweep.status);
  const compared = ranking
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

interface TrialsProps {
  readonly sweep: Sweep;
  /** By number. */
  readonly trials: readonly Trial[];
  /** The best first. */
  readonly ranking: readonly Trial[];
}

function Trials({ sweep, trials, ranking }: TrialsProps) {
  const objective = objectiveOf(sweep);
  const valued = trials.filter(({ value, job_id }) => value !== null && job_id !== null);
  const outcomes = trialOutcomes(valued, objective);
  const [ended, most] = [endedOf(sweep.trials), mostTrials(sweep)];
  return (
    <>
      <section class="card stack" aria-label="Progress">
        <Bar value={ended} max={most} label={`${count(ended)} of ${count(most)} trials have ended`} />
        <Tiles of={tilesOf(sweep, ranking[0])} />
      </section>
      {valued.length === 0 && !isFinished(sweep.status) && (
        <p class="card soft">The curves begin with the first epoch of a trial.</p>
      )}
      {valued.length > 1 && (
        <div class="reached">
          <ParallelCoordinates outcomes={outcomes} settings={drawnDimensions(valued, sweep)} />
          <BestSoFar outcomes={outcomes} xName="trial" isNumbered />
        </div>
      )}
      {trials.length > 0 && <Leaderboard sweep={sweep} trials={ranking} />}
    </>
  );
}

const endedOf = ({ drawn, queued, running, paused, waiting }: Sweep["trials"]): number =>
  drawn - queued - running - paused - waiting;

function tilesOf(sweep: Sweep, best: Trial | undefined): [name: string, value: string][] {
  const { running, waiting, invalid } = sweep.trials;
  const tiles: [string, string][] = [
    ["trials ended", `${count(endedOf(sweep.trials))} / ${count(mostTrials(sweep))}`],
    ["training", count(running)],
  ];
  if (waiting > 0) tiles.push(["waiting at a rung", count(waiting)]);
  if (invalid > 0) tiles.push(["can't train", count(invalid)]);
  if (best && best.value !== null)
    tiles.push([`best ${label(objectiveOf(sweep).metric)}`, figure(best.value)], ["by", `trial ${best.number}`]);
  return tiles;
}

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
