/** What one can choose about the charts of a run, or of several. */
import { AXES } from "../history/run-history.ts";
import { AXIS_NAMES, type ChartChoice } from "./chart-choice.ts";

interface Props {
  readonly choice: ChartChoice;
  readonly choose: (choice: ChartChoice) => void;
}

/** The slider has more room where the average gets slow. */
const toSlider = (weight: number): number => 1 - (1 - weight) ** (1 / 3);
const fromSlider = (place: number): number => Math.round((1 - (1 - place) ** 3) * 10_000) / 10_000;

export function ChartTools({ choice, choose }: Props) {
  return (
    <div class="row chart-choice">
      <fieldset class="segments">
        <legend class="spoken">x axis</legend>
        {AXES.map((axis) => (
          <button
            key={axis}
            type="button"
            aria-pressed={choice.axis === axis}
            onClick={() => choose({ ...choice, axis })}
          >
            {AXIS_NAMES[axis]}
          </button>
        ))}
      </fieldset>
      <button
        type="button"
        aria-pressed={choice.logarithmic}
        onClick={() => choose({ ...choice, logarithmic: !choice.logarithmic })}
      >
        Log scale
      </button>
      <label class="row smoothing">
        <span class="soft">Smoothing</span>
        <input
          type="range"
          min="0"
          max="0.9"
          step="0.01"
          value={toSlider(choice.smoothing)}
          aria-valuetext={choice.smoothing.toFixed(3)}
          onInput={({ currentTarget }) => choose({ ...choice, smoothing: fromSlider(Number(currentTarget.value)) })}
        />
        <output>{choice.smoothing.toFixed(2)}</output>
      </label>
    </div>
  );
}
