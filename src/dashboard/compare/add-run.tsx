/** One more run for a comparison, out of all that there are. */
import { useEffect, useId, useState } from "preact/hooks";
import { chooseRuns, DEFAULT_CHOICE } from "../runs/choose-runs.ts";
import { liveJobs } from "../service/live-jobs.ts";
import { ago } from "../shared/format.ts";

const OFFERED = 8;

export function AddRun({ known, add }: { known: readonly string[]; add: (id: string) => void }) {
  const [open, setOpen] = useState(false);
  if (open) return <Finder known={known} add={add} close={() => setOpen(false)} />;
  return (
    <button type="button" onClick={() => setOpen(true)}>
      Add a run
    </button>
  );
}

/** It needs the list of all jobs only while someone looks for one. */
function Finder({ known, add, close }: { known: readonly string[]; add: (id: string) => void; close: () => void }) {
  useEffect(() => liveJobs.use(), []);
  const [search, setSearch] = useState("");
  const id = useId();
  const found = chooseRuns(liveJobs.all.value.values(), { ...DEFAULT_CHOICE, search }).filter(
    (job) => !known.includes(job.id),
  );
  return (
    <search class="finder" onKeyDown={(event) => event.key === "Escape" && close()}>
      <div class="row">
        <input
          type="search"
          aria-label="Find a run to add"
          placeholder="Find a run to add"
          aria-controls={id}
          value={search}
          ref={(input) => input?.focus()}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <button type="button" class="quiet" onClick={close}>
          Done
        </button>
      </div>
      <ul id={id} class="card">
        {found.slice(0, OFFERED).map((job) => (
          <li key={job.id}>
            <button type="button" class="quiet" onClick={() => add(job.id)}>
              {job.name ?? job.id} <span class="soft small">{ago(job.created_at)}</span>
            </button>
          </li>
        ))}
        {found.length === 0 && <li class="soft">No other run matches.</li>}
      </ul>
    </search>
  );
}
