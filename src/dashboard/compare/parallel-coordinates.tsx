/** Each run as a line through its settings to what it has reached: strong for the best, faint for the others. */
import { useState } from "preact/hooks";
import { go } from "../router.ts";
import { figure, label } from "../shared/format.ts";
import { useWidth } from "../shared/width.ts";
import { type Dimension, type Outcomes, scaleOf } from "./outcomes.ts";

/** Between two axes, at least: what does not fit is scrolled to. */
const LEAST_APART = 88;
const HEIGHT = 270;
const TOP = 44;
const BOTTOM = 14;
const SIDE = 70;
/** Below the axes, for what a run was not given. */
const NONE = 30;
/** As many settings as there is room for. */
const MOST_SETTINGS = 7;

interface Props {
  readonly outcomes: Outcomes;
  /** An axis each, with a place for each outcome; the first of them are drawn. */
  readonly settings: readonly Dimension[];
}

export function ParallelCoordinates({ outcomes, settings }: Props) {
  const [pointed, setPointed] = useState<string | null>(null);
  const room = useWidth();
  const { of, metric, wantsMost } = outcomes;
  if (of.length < 2 || settings.length === 0) return null;
  const reached = { path: label(metric), ...scaleOf(of.map(({ value }) => value)) };
  const axes = [...settings.slice(0, MOST_SETTINGS), reached];
  const width = Math.max(room.width, 2 * SIDE + (axes.length - 1) * LEAST_APART);
  const apart = (width - 2 * SIDE) / (axes.length - 1);
  const xOf = (i: number) => SIDE + i * apart;
  const yOf = (place: number | null) =>
    place === null ? HEIGHT - BOTTOM + NONE : HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);
  const height = axes.some(isPartial) ? HEIGHT + NONE : HEIGHT;
  const ranks = [...of].sort((a, b) => (wantsMost ? b.value - a.value : a.value - b.value));
  // The best last, on top of the others.
  const lines = [...ranks].reverse();
  const rowOf = new Map(of.map(({ job }, i) => [job.id, i]));
  const rankOf = new Map(ranks.map(({ job }, i) => [job.id, i]));
  const shown = of.find(({ job }) => job.id === pointed);
  const stop = shown?.job.id ?? ranks[0]?.job.id;
  return (
    <section class="card stack" aria-labelledby="settings-title">
      <div class="row">
        <h2 id="settings-title">Settings and {label(metric)}</h2>
        <span class="soft small push parallel-said" role="status">
          {shown ? `${shown.job.name ?? shown.job.id}: ${figure(shown.value)}` : hintOf(settings.length)}
        </span>
      </div>
      <div class="scroll" ref={room.ref}>
        <svg class="parallel" width={width} height={height} onKeyDown={goOn}>
          <title>Runs by their settings</title>
          {lines.map(({ job, value }) => {
            const row = rowOf.get(job.id) ?? 0;
            const rank = rankOf.get(job.id) ?? 0;
            const points = axes.map(({ places }, i) => `${xOf(i).toFixed(1)},${yOf(places[row] ?? null).toFixed(1)}`);
            const strength = 1 - rank / ranks.length;
            const name = job.name ?? job.id;
            return (
              <a
                key={job.id}
                href={`#/runs/${job.id}`}
                class={pointed === job.id ? "pointed" : ""}
                aria-label={`${name}: ${figure(value)}`}
                data-rank={rank}
                tabindex={job.id === stop ? 0 : -1}
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
          {axes.map((axis, i) => {
            const [within, name] = wordsOf(axis.path);
            return (
              <g key={axis.path} class={axis === reached ? "axis reached" : "axis"}>
                <line x1={xOf(i)} x2={xOf(i)} y1={TOP} y2={HEIGHT - BOTTOM} />
                <text text-anchor="middle" class="axis-name">
                  <tspan class="within" x={xOf(i)} y={14}>
                    {shorten(within, apart / SMALL_LETTER)}
                  </tspan>
                  <tspan x={xOf(i)} y={30}>
                    {shorten(name, apart / LETTER)}
                  </tspan>
                  <title>{axis.path}</title>
                </text>
                {axis.labels.map(({ place, text }) => (
                  <text key={text} x={xOf(i) + 6} y={yOf(place) + (place > 0.9 ? 10 : place < 0.1 ? -3 : 4)}>
                    {shorten(text, apart / LETTER)}
                  </text>
                ))}
                {isPartial(axis) && (
                  <>
                    <circle cx={xOf(i)} cy={yOf(null)} r={3} />
                    <text x={xOf(i) + 7} y={yOf(null) + 4}>
                      none
                    </text>
                  </>
                )}
              </g>
            );
          })}
        </svg>
      </div>
    </section>
  );
}

/** Whether some run has no value there. */
const isPartial = ({ places }: Dimension): boolean => places.includes(null);

function hintOf(settings: number): string {
  const drawn = settings > MOST_SETTINGS ? `${MOST_SETTINGS} of ${settings} settings · ` : "";
  return `${drawn}The stronger a line, the better the run`;
}

/** Arrow keys go from line to line, by rank: a stop of Tab for each would be too many. */
function goOn(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const line = event.target instanceof Element ? event.target.closest("[data-rank]") : null;
  if (by === undefined || !line) return;
  event.preventDefault();
  const next = Number(line.getAttribute("data-rank")) + by;
  line.parentElement?.querySelector<SVGElement>(`[data-rank="${next}"]`)?.focus();
}

/** `optimizer.lr` → what it stands in, and its own name; `validation loss` alike. */
function wordsOf(path: string): [within: string, name: string] {
  const [, within = "", name = path] = /^(.*)[. ](.+)$/.exec(path) ?? [];
  return [within, name];
}

const LETTER = 7.6;
const SMALL_LETTER = 6.1;

/** The end of a path says more than its beginning. */
function shorten(text: string, letters: number): string {
  const most = Math.min(22, Math.floor(letters));
  return text.length <= most ? text : `…${text.slice(1 - most)}`;
}
