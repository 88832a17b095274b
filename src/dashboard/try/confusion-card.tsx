/** Which class was taken for which: counted over all rows where the spec asks for it, else over those that are at hand. */
import type { Predictions } from "../service/predictions.ts";
import { count } from "../shared/format.ts";
import type { Confusions } from "./try-store.ts";

export function ConfusionCard({
  confusions,
  predictions,
}: {
  confusions: Confusions | null;
  predictions: Predictions | null;
}) {
  const found = confusions ?? countedFrom(predictions);
  if (!found || found.counts.length === 0) return null;
  const { counts, of, epoch } = found;
  const names = counts.map((_, i) => predictions?.classes?.[i] ?? String(i));
  const total = counts.flat().reduce((sum, n) => sum + n, 0);
  const right = counts.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  return (
    <section class="card stack" aria-labelledby="try-confusions">
      <div class="row">
        <h2 id="try-confusions">Confusion matrix</h2>
        <span class="soft small push">
          {count(right)} of {count(total)} {of} rows right, epoch {epoch}
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="scroll" tabIndex={0} aria-label="Counts by class">
        <table class="confusion">
          <thead>
            <tr>
              <th scope="col" class="soft small">
                is ↓ taken for →
              </th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
              <th scope="col" class="soft">
                right
              </th>
            </tr>
          </thead>
          <tbody>
            {counts.map((row, i) => {
              const sum = row.reduce((a, b) => a + b, 0);
              return (
                <tr key={names[i]}>
                  <th scope="row">{names[i]}</th>
                  {row.map((n, j) => (
                    <td key={names[j]} class={`${i === j ? "hit" : "miss"} heat-${heat(n, sum)}`}>
                      {n === 0 ? <span class="soft">·</span> : count(n)}
                    </td>
                  ))}
                  <td class="soft">{sum === 0 ? "—" : `${Math.round((100 * (row[i] ?? 0)) / sum)} %`}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </section>
  );
}

/** Five steps of shading, for which style sheets have the colours. */
const heat = (n: number, sum: number): number =>
  sum === 0 || n === 0 ? 0 : Math.min(4, 1 + Math.floor((n / sum) * 3.999));

function countedFrom(predictions: Predictions | null): Confusions | null {
  const { labels, target_labels: truth, classes } = predictions ?? {};
  if (!predictions || !labels || !truth) return null;
  const index = (label: unknown): number =>
    typeof label === "number" ? label : (classes?.indexOf(String(label)) ?? -1);
  const size = classes?.length ?? Math.max(...[...labels, ...truth].map(index)) + 1;
  if (size < 1 || size > 100) return null;
  const counts = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  truth.forEach((label, i) => {
    const row = counts[index(label)];
    const column = index(labels[i]);
    if (row && column in row) row[column] = (row[column] ?? 0) + 1;
  });
  return { epoch: predictions.checkpoint.epoch, of: predictions.rows_of, counts };
}
