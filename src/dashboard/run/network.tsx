/** The network, layer by layer from the data down: how much each gives on, and how many parameters it has. */
import "./network.css";
import type { Job } from "../service/jobs.ts";
import { bytes, compact, count } from "../shared/format.ts";

type Summary = Job["model_summary"];

export function Network({ summary }: { summary: Summary }) {
  const { layers, parameters, memory_bytes, flops_per_sample } = summary;
  const widest = Math.max(...layers.map((layer) => Math.log2(1 + sizeOf(layer))), 1);
  return (
    <section class="card stack" aria-labelledby="network-title">
      <div class="row">
        <h2 id="network-title">Network</h2>
        <span class="soft small push">
          {count(parameters)} parameters · {compact(flops_per_sample)} FLOPs a sample · {bytes(memory_bytes)} while
          training
        </span>
      </div>
      <div class="scroll">
        <table class="network">
          <thead>
            <tr>
              <th>Layer</th>
              <th class="shape">Output</th>
              <th>Shape</th>
              <th class="number">Parameters</th>
            </tr>
          </thead>
          <tbody>
            {layers.map((layer) => (
              <tr key={layer.name}>
                <td style={{ paddingLeft: `${depthOf(layer) * 1.1}rem` }}>
                  <span class="soft small layer-name">{layer.name}</span> {layer.type}
                </td>
                <td class="shape" aria-hidden="true">
                  <span style={{ width: `${(100 * Math.log2(1 + sizeOf(layer))) / widest}%` }} />
                </td>
                <td>{layer.output_shape.length === 0 ? "scalar" : layer.output_shape.join(" × ")}</td>
                <td class="number">
                  {count(layer.parameters)}
                  <span class="share" style={{ width: `${(100 * layer.parameters) / Math.max(1, parameters)}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const sizeOf = ({ output_shape }: Summary["layers"][number]): number =>
  output_shape.reduce((size, length) => size * length, 1);

/** `2.0` lies inside of `2`. */
const depthOf = ({ name }: Summary["layers"][number]): number => name.split(".").length - 1;
