/** The newest sweeps, each with what it has found so far. */
import { useEffect, useState } from "preact/hooks";
import { href } from "../router.ts";
import { messageOf } from "../service/client.ts";
import { persist } from "../service/persist.ts";
import { listSweeps, mostTrials, objectiveOf, type Sweep } from "../service/sweeps.ts";
import { ago, count, figure, label } from "../shared/format.ts";
import { now } from "../shared/now.ts";
import { Status } from "../shared/status.tsx";

const NEWEST = 50;

export function SweepList() {
  const [sweeps, setSweeps] = useState<readonly Sweep[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    let looks = 0;
    const load = () => {
      const look = ++looks;
      const isStopped = () => look !== looks;
      if (document.hidden) return;
      persist(() => listSweeps(NEWEST), { onAway: setTrouble, isStopped }).then(
        ({ data }) => {
          if (isStopped()) return;
          setSweeps(data);
          setTrouble(null);
        },
        (error) => isStopped() || setTrouble(messageOf(error)),
      );
    };
    load();
    document.addEventListener("visibilitychange", load);
    return () => {
      document.removeEventListener("visibilitychange", load);
      looks++;
    };
  }, []);
  return (
    <section class="card stack" aria-labelledby="sweeps-title">
      <h2 id="sweeps-title">Sweeps</h2>
      {trouble && (
        <p class="notice" role="alert">
          {trouble}
        </p>
      )}
      {sweeps?.length === 0 && (
        <p class="soft">
          None yet. <code>POST /v1/sweeps</code> searches for the best settings of a spec; <a href="/docs">the API</a>{" "}
          says how.
        </p>
      )}
      <ul class="sweeps">
        {sweeps?.map((sweep) => (
          <li key={sweep.id} class="row">
            <a href={href("/compare", { sweep: sweep.id })}>{sweep.name ?? sweep.id}</a>
            <Status status={sweep.status} />
            <span class="soft small push">{saidOf(sweep).join(" · ")}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function saidOf(sweep: Sweep): string[] {
  const { best, trials, created_at } = sweep;
  return [
    ...(best?.value == null ? [] : [`best ${label(objectiveOf(sweep).metric)} ${figure(best.value)}`]),
    `${count(trials.drawn)} of ${count(mostTrials(sweep))} trials`,
    ago(created_at, now.value),
  ];
}
