/** Numbers with as many digits as matter, quickly: formatting and parsing each takes several times as long. */

/** Up to here powers of ten are exact, and so is the nearest number to a whole one divided by them. */
const EXACT_POWERS = 22;
const POWERS = Array.from({ length: EXACT_POWERS + 1 }, (_, i) => 10 ** i);

/** The number nearest to `value` with so many significant digits, 15 at most; what is not finite stays as it is. */
export function roundTo(value: number, digits: number): number {
  const places = digits - 1 - Math.floor(Math.log10(Math.abs(value)));
  const power = POWERS[Math.abs(places)];
  if (power === undefined) return Number(value.toPrecision(digits));
  return places >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
}
