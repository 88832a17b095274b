/** Numbers with as many digits as matter, quickly: formatting and parsing each takes several times as long. */

/** Up to here powers of ten are exact, and so is the nearest number to a whole one divided by them. */
const EXACT_POWERS = 22;
const POWERS = Array.from({ length: EXACT_POWERS + 1 }, (_, i) => 10 ** i);

/** The number nearest to `value` with so many significant digits, 15 at most; what is not finite stays as it is. */
export function roundTo(value: number, digits: number): number {
  const places = digits - 1 - exponentOf(Math.abs(value));
  const power = POWERS[Math.abs(places)];
  if (power === undefined) return Number(value.toPrecision(digits));
  return places >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
}

/** Of these most numbers are, and a few comparisons take a fraction of a logarithm's time. */
const LEAST = -4;
const STEPS = Float64Array.of(1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6);

/** The whole part of the logarithm to base 10, rounded down. */
function exponentOf(size: number): number {
  if (!(size >= 1e-4 && size < 1e6)) return Math.floor(Math.log10(size));
  let steps = 0;
  while (size >= (STEPS[steps] ?? 0)) steps++;
  return LEAST + steps;
}
