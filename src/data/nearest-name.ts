/** "Did you mean …?": the known name that a mistyped one is closest to. */

/** `; did you mean "Linear"?`, or nothing when no known name is near. */
export function nearest(name: string, known: Iterable<string>): string {
  const found = nearestName(name, known);
  return found === undefined ? "" : `; did you mean ${JSON.stringify(found)}?`;
}

export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > 100) return undefined;
  const names = [...known];
  const wanted = folded(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of names) {
    const other = folded(candidate);
    if (Math.abs(other.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, other);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best ?? shortened(wanted, names);
}

/** The shortest name that begins with what was written: `BCE` is near `BCELoss`. */
function shortened(wanted: string, names: readonly string[]): string | undefined {
  if (wanted.length < 3) return undefined;
  const longer = names.filter((name) => folded(name).startsWith(wanted));
  return longer.sort((a, b) => a.length - b.length)[0];
}

/** Case and separators are what people mistype most: `batchSize` is near `batch_size`. */
const folded = (name: string): string => name.toLowerCase().replaceAll(/[\s_-]/g, "");

/** Insertions, deletions, substitutions and swaps of neighbours (Damerau and Levenshtein, restricted). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
