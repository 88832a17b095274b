/** What stays as it is while a run trains: its network and its spec. */
import type { Job } from "../service/jobs.ts";
import { bytes, count } from "../shared/format.ts";

export function Details({ job }: { job: Job }) {
  return (
    <>
      <section class="card scroll" aria-label="Model">
        <h2>Model, {bytes(job.model_summary.memory_bytes)} while training</h2>
        <table class="layers">
          <thead>
            <tr>
              <th>layer</th>
              <th>type</th>
              <th>output</th>
              <th class="number">parameters</th>
            </tr>
          </thead>
          <tbody>
            {job.model_summary.layers.map((layer) => (
              <tr key={layer.name}>
                <td>{layer.name}</td>
                <td>{layer.type}</td>
                <td>{layer.output_shape.length === 0 ? "scalar" : layer.output_shape.join(" × ")}</td>
                <td class="number">{count(layer.parameters)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <details class="card">
        <summary>Spec, complete with every default</summary>
        <pre>{JSON.stringify(job.spec, null, 2)}</pre>
      </details>
    </>
  );
}
