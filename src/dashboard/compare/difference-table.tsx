/** The fields in which the specs of runs differ, a column for each run. */
import { lookOf } from "../chart/curve.ts";
import { Swatch } from "../chart/legend.tsx";
import { href } from "../router.ts";
import type { ComparedRun } from "./compare-store.ts";
import { differencesOf, type Value } from "./differences.ts";

export function DifferenceTable({ runs }: { runs: readonly ComparedRun[] }) {
  // Their names are the heads of the columns.
  const differences = differencesOf(runs.map(({ job }) => job.spec)).filter(({ path }) => path !== "name");
  return (
    <section class="card stack" aria-labelledby="differences-title">
      <h2 id="differences-title">What differs</h2>
      {differences.length === 0 ? (
        <p class="soft">{runs.length < 2 ? "Choose another run to see what differs." : "Their specs are the same."}</p>
      ) : (
        <div class="scroll">
          <table class="differences">
            <thead>
              <tr>
                <th scope="col">Field</th>
                {runs.map(({ job, place }) => (
                  <th key={job.id} scope="col">
                    <Swatch curve={lookOf(place)} />
                    <a href={href(`/runs/${job.id}`)}>{job.name ?? job.id}</a>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {differences.map(({ path, values }) => (
                <tr key={path}>
                  <th scope="row">
                    <code>{path}</code>
                  </th>
                  {values.map((value, i) => (
                    <td key={runs[i]?.job.id}>{textOf(value)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function textOf(value: Value | undefined): string {
  if (value === undefined) return "—";
  return typeof value === "string" ? value : JSON.stringify(value);
}
