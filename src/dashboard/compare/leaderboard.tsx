/** The trials of a sweep, the best first, with what was drawn for each. */
import { useState } from "preact/hooks";
import { href } from "../router.ts";
import { objectiveOf, type Sweep, type Trial } from "../service/sweeps.ts";
import { count, figure, label } from "../shared/format.ts";
import { Status } from "../shared/status.tsx";
import { drawnPaths } from "./trials.ts";

const SHOWN = 50;

export function Leaderboard({ sweep, trials }: { sweep: Sweep; trials: readonly Trial[] }) {
  const [all, setAll] = useState(false);
  const paths = drawnPaths(trials, sweep);
  return (
    <section class="card stack" aria-labelledby="leaderboard-title">
      <h2 id="leaderboard-title">Leaderboard</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <section class="scroll" tabIndex={0} aria-label="Trials, the best first">
        <table class="differences leaderboard">
          <thead>
            <tr>
              <th scope="col">Trial</th>
              <th scope="col" class="number">
                {label(objectiveOf(sweep).metric)}
              </th>
              <th scope="col" class="number">
                Epochs
              </th>
              <th scope="col">Status</th>
              {paths.map((path) => (
                <th key={path} scope="col" title={path}>
                  <code>{path}</code>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {trials.slice(0, all ? undefined : SHOWN).map((trial) => (
              <tr key={trial.number}>
                <th scope="row">
                  {trial.job_id === null ? (
                    `trial ${trial.number}`
                  ) : (
                    <a href={href(`/runs/${trial.job_id}`)}>trial {trial.number}</a>
                  )}
                </th>
                <td class="number">{figure(trial.value)}</td>
                <td class="number">
                  {count(trial.epoch)} / {count(trial.epochs)}
                </td>
                <td title={trial.error?.detail}>
                  <Status status={trial.status} />
                </td>
                {paths.map((path) => (
                  <td key={path}>{textOf(trial.params[path])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {!all && trials.length > SHOWN && (
        <button type="button" onClick={() => setAll(true)}>
          All {count(trials.length)} trials
        </button>
      )}
    </section>
  );
}

function textOf(value: Trial["params"][string] | undefined): string {
  if (value === undefined) return "—";
  return typeof value === "number" && !Number.isInteger(value) ? figure(value) : String(value);
}
