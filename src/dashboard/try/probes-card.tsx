/** The probes of a run over its epochs: the newest as it comes, or any before, by the slider. */
import { useEffect, useState } from "preact/hooks";
import { isFinished, type Job } from "../service/jobs.ts";
import type { Predictions } from "../service/predictions.ts";
import { figure } from "../shared/format.ts";
import { probabilitiesOf } from "./meaning.ts";
import { CurvePicture, PlanePicture } from "./probe-pictures.tsx";
import type { Frame, Grid } from "./try-store.ts";

interface Props {
  readonly job: Job;
  readonly loss: string;
  readonly grid: Grid | null;
  readonly frames: readonly Frame[];
  readonly predictions: Predictions | null;
}

const FRAME_MS = 90;

export function ProbesCard({ job, loss, grid, frames, predictions }: Props) {
  /** Null follows the newest. */
  const [chosen, setChosen] = useState<number | null>(null);
  const [playing, setPlaying] = useState(false);
  const last = frames.length - 1;
  const at = Math.min(chosen ?? last, last);
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => setChosen((before) => (before ?? 0) + 1), FRAME_MS);
    return () => clearInterval(timer);
  }, [playing]);
  useEffect(() => {
    if (playing && at >= last) {
      setPlaying(false);
      setChosen(null);
    }
  }, [playing, at, last]);
  const frame = frames[at];
  const isClasses = probabilitiesOf(loss, frame?.outputs[0] ?? [], predictions?.classes?.length ?? 2) !== null;
  if (!frame) return <Empty job={job} />;
  return (
    <section class="card stack probes" aria-labelledby="try-probes">
      <div class="row">
        <h2 id="try-probes">{titleOf(grid, isClasses)}</h2>
        <span class="soft small push">
          {chosen === null && job.status === "running" ? "live" : `after epoch ${frame.epoch}`}
        </span>
      </div>
      {grid?.y ? (
        <PlanePicture grid={grid} frame={frame} frames={frames} predictions={predictions} loss={loss} />
      ) : grid ? (
        <CurvePicture grid={grid} frame={frame} frames={frames} predictions={predictions} loss={loss} />
      ) : (
        <ProbeTable frame={frame} />
      )}
      <div class="row slider">
        <button
          type="button"
          onClick={() => {
            if (!playing && (chosen === null || chosen >= last)) setChosen(0);
            setPlaying(!playing);
          }}
        >
          {playing ? "Stop" : "Play"}
        </button>
        <input
          type="range"
          min="0"
          max={Math.max(1, last)}
          value={at}
          aria-label="Epoch"
          aria-valuetext={`epoch ${frame.epoch}`}
          onInput={({ currentTarget }) => {
            const wanted = Number(currentTarget.value);
            setPlaying(false);
            setChosen(wanted >= last ? null : wanted);
          }}
        />
        <output class="small">epoch {frame.epoch}</output>
      </div>
      {grid && Object.keys(grid.at).length > 0 && (
        <p class="soft small">
          The other inputs are held:{" "}
          {Object.entries(grid.at)
            .map(([name, value]) => `${name} ${typeof value === "number" ? figure(value) : value}`)
            .join(", ")}
        </p>
      )}
    </section>
  );
}

function titleOf(grid: Grid | null, isClasses: boolean): string {
  if (!grid) return "Probes";
  if (isClasses) return grid.y ? "Decision boundary" : "Probabilities";
  return grid.y ? "Fitted surface" : "Fitted curve";
}

function Empty({ job }: { job: Job }) {
  return (
    <section class="card stack" aria-labelledby="try-probes">
      <h2 id="try-probes">While it trains</h2>
      <p class="soft">
        {isFinished(job.status)
          ? "It ended before it was looked at."
          : "The first look at it comes as soon as a worker has taken it."}
      </p>
    </section>
  );
}

function ProbeTable({ frame }: { frame: Frame }) {
  return (
    <div class="scroll">
      <table class="layers">
        <thead>
          <tr>
            <th scope="col">input</th>
            <th scope="col">outputs</th>
          </tr>
        </thead>
        <tbody>
          {frame.outputs.slice(0, 50).map((output, i) => (
            <tr key={`${i + 1}`}>
              <td>{i + 1}</td>
              <td>{output.map((value) => figure(value)).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
