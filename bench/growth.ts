/** How something grows with a size: the power law fitted to measurements, as a table and a plot. */

export interface Point {
  readonly size: number;
  readonly microseconds: number;
}

/** cost = factor · size^exponent, by least squares on the logarithms. */
export interface Power {
  readonly factor: number;
  readonly exponent: number;
}

export function fitPower(points: readonly Point[]): Power {
  const xs = points.map(({ size }) => Math.log(size));
  const ys = points.map(({ microseconds }) => Math.log(microseconds));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const slope = mean(xs.map((each, i) => (each - x) * ((ys[i] ?? y) - y))) / mean(xs.map((each) => (each - x) ** 2));
  return { factor: Math.exp(y - slope * x), exponent: slope };
}

const WIDTH = 48;

/** A line for each size; bars are on a logarithmic scale, where a power law is a straight slope. */
export function growthTable(points: readonly Point[], unit: string, { exponent }: Power): string {
  const logarithms = points.map(({ microseconds }) => Math.log(microseconds));
  const [low, high] = [Math.min(...logarithms), Math.max(...logarithms)];
  const lines = points.map(({ size, microseconds }) => {
    const share = high > low ? (Math.log(microseconds) - low) / (high - low) : 1;
    const bar = "█".repeat(1 + Math.round(share * (WIDTH - 1)));
    const each = `${amount(microseconds / size)} µs each`;
    return `  ${String(size).padStart(5)} ${unit} ${amount(microseconds).padStart(9)} µs a step ${each.padStart(16)}  ${bar}`;
  });
  return [...lines, `  grows with the power ${exponent.toFixed(2)} of the ${unit}`].join("\n");
}

function amount(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
