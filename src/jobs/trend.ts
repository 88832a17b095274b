/** The course of a loss in a few numbers: thinned out as it grows, so that the state of a job stays small. */
import { TREND_LENGTH, type Trend } from "./job.ts";

export const EMPTY_TREND: Trend = { every: 1, losses: [] };

/**
 * With this epoch, or the same trend if it does not show this one: `losses[i]` is that of epoch `(i + 1) · every`, so an
 * epoch that is trained again changes nothing.
 */
export function withEpoch(trend: Trend, epoch: number, loss: number | null): Trend {
  const { every, losses } = trend;
  if (epoch !== (losses.length + 1) * every) return trend;
  const grown = [...losses, loss];
  if (grown.length < TREND_LENGTH) return { every, losses: grown };
  return { every: every * 2, losses: grown.filter((_, i) => i % 2 === 1) };
}
