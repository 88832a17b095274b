/** Each run as a line through its settings to what it has reached: strong for the best, faint for the others. */
import { useState } from "preact/hooks";
import { go } from "../router.ts";
import { figure, label } from "../shared/format.ts";
import { type Dimension, type Outcomes, scaleOf } from "./outcomes.ts";

const WIDTH = 960;
const HEIGHT = 260;
const TOP = 34;
const BOTTOM = 14;
const SIDE = 70;
/** As many settings as there is room for. */
export const MOST_SETTINGS = 7;

interface Props {
  readonly outcomes: Outcomes;
  /** An axis each, with a place for each outcome. */
  readonly settings: readonly Dimension[];
}

export function ParallelCoordinates({ outcomes, settings }: Props) {
  const [pointed, setPointed] = useState<string | null>(null);
  const { of, metric, wantsMost } = outcomes;
  const reached = { path: label(metric), ...scaleOf(of.map(({ value }) => value)) };
  const axes = [...settings, reached];
  if (of.length < 2 || settings.length === 0) return null;
  const apart = (WIDTH - 2 * SIDE) / (axes.length - 1);
  const xOf = (i: number) => SIDE + i * apart;
  const yOf = (place: number) => HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);
  const ranks = [...of].sort((a, b) => (wantsMost ? b.value - a.value : a.value - b.value));
  // The best last, on top of the others.
  const lines = [...ranks].reverse();
  const rowOf = new Map(of.map(({ job }, i) => [job.id, i]));
  const rankOf = new Map(ranks.map(({ job }, i) => [job.id, i]));
  const shown = of.find(({ job }) => job.id === pointed);
  return (
    <section class="card stack" aria-labelledby="settings-title">
      <div class="row">
        <h2 id="settings-title">Settings and {label(metric)}</h2>
        <span class="soft small push" role="status">
          {shown
            ? `${shown.job.name ?? shown.job.id}: ${figure(shown.value)}`
            : "The stronger a line, the better the run"}
        </span>
      </div>
      <div class="scroll">
        <svg class="parallel" viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
          <title>Runs by their settings</title>
          {lines.map(({ job, value }) => {
            const row = rowOf.get(job.id) ?? 0;
            const points = axes.flatMap(({ places }, i) => {
              const place = places[row] ?? null;
              return place === null ? [] : [`${xOf(i).toFixed(1)},${yOf(place).toFixed(1)}`];
            });
            const strength = 1 - (rankOf.get(job.id) ?? 0) / ranks.length;
            const name = job.name ?? job.id;
            return (
              <a
                key={job.id}
                href={`#/runs/${job.id}`}
                class={pointed === job.id ? "pointed" : ""}
                aria-label={`${name}: ${figure(value)}`}
                onPointerEnter={() => setPointed(job.id)}
                onPointerLeave={() => setPointed(null)}
                onFocus={() => setPointed(job.id)}
                onBlur={() => setPointed(null)}
                onClick={(event) => {
                  event.preventDefault();
                  go(`/runs/${job.id}`);
                }}
              >
                <polyline class="wide" points={points.join(" ")} />
                <polyline
                  points={points.join(" ")}
                  style={{
                    "--strength": `color-mix(in oklab, var(--series-1) ${Math.round(25 + 75 * strength ** 2)}%, var(--card))`,
                  }}
                />
              </a>
            );
          })}
          {axes.map(({ path, labels }, i) => (
            <g key={path} class={i === axes.length - 1 ? "axis reached" : "axis"}>
              <line x1={xOf(i)} x2={xOf(i)} y1={TOP} y2={HEIGHT - BOTTOM} />
              <text x={xOf(i)} y={14} text-anchor="middle" class="axis-name">
                {shorten(path, apart)}
                <title>{path}</title>
              </text>
              {labels.map(({ place, text }) => (
                <text key={text} x={xOf(i) + 6} y={yOf(place) + (place > 0.9 ? 10 : place < 0.1 ? -3 : 4)}>
                  {shorten(text, apart)}
                </text>
              ))}
            </g>
          ))}
        </svg>
      </div>
    </section>
  );
}

const LETTER = 7.2;

/** As much as fits between two axes: the end of a path says more than its beginning. */
function shorten(text: string, width: number): string {
  const most = Math.min(20, Math.floor(width / LETTER));
  return text.length <= most ? text : `…${text.slice(1 - most)}`;
}
