/** The loss of each update: of one batch, or the mean over the samples of the batches whose gradients it takes together. */

/**
 * Losses of those whole updates that `every` divides, counted from 1 over the run; `before` of them came earlier. Null if
 * there are none.
 */
export function lossesOfSteps(
  batchLosses: Float32Array,
  sizes: readonly number[],
  before: number,
  every: number,
): { step: number; losses: number[] } | null {
  const samples = sizes.reduce((sum, rows) => sum + rows, 0);
  const first = (Math.floor(before / every) + 1) * every;
  const last = before + Math.floor(batchLosses.length / sizes.length);
  const losses: number[] = [];
  for (let step = first; step <= last; step += every) {
    const at = (step - before - 1) * sizes.length;
    losses.push(sizes.reduce((sum, rows, i) => sum + rows * (batchLosses[at + i] ?? 0), 0) / samples);
  }
  return losses.length > 0 ? { step: first, losses } : null;
}
