/** The area under the receiver operating characteristic: how probable it is that a member of a class scores above a stranger. */

/**
 * Rows of `width` numbers: a target's class, then its scores. One score is that of class 1 against class 0; several are one
 * for each class, and the mean is taken over the classes that have both members and strangers; NaN where none has.
 */
export function areaUnderCurve(table: Float64Array, width: number): number {
  const rows = table.length / width;
  const classes = width === 2 ? [1] : Array.from({ length: width - 1 }, (_, c) => c);
  const areas = classes.flatMap((c) => {
    const column = width === 2 ? 1 : c + 1;
    const scores = Float64Array.from({ length: rows }, (_, r) => table[r * width + column] ?? Number.NaN);
    const area = areaOf(scores, (row) => table[row * width] === c);
    return Number.isNaN(area) ? [] : [area];
  });
  return areas.reduce((sum, area) => sum + area, 0) / areas.length;
}

/** Mann and Whitney's U over members × strangers; equal scores share their ranks. */
function areaOf(scores: Float64Array, isMember: (row: number) => boolean): number {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  let [members, ranks] = [0, 0];
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && scores[order[end] ?? 0] === scores[order[first] ?? 0]) end++;
    const here = order.slice(first, end).filter(isMember).length;
    members += here;
    // Ranks first + 1 … end, on average.
    ranks += here * ((first + 1 + end) / 2);
    first = end;
  }
  const strangers = scores.length - members;
  return (ranks - (members * (members + 1)) / 2) / (members * strangers);
}
