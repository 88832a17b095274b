/** Ids that sort by the time they were made: a prefix, 10 characters of time, 16 of chance (as a ULID). */
import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
let lastTime = 0;
let lastChance: number[] = [];

/** `newId("job")` → `job_01k…`; two ids made one after the other in a process sort in that order. */
export function newId(prefix: "job" | "ds" | "swp" | "mdl" | "key" | "req" | "wrk", now: number = Date.now()): string {
  const time = Math.max(now, lastTime);
  lastChance = time === lastTime ? increment(lastChance) : [...randomBytes(16)].map((byte) => byte % 32);
  lastTime = time;
  return `${prefix}_${encodeTime(time)}${lastChance.map((digit) => ALPHABET[digit]).join("")}`;
}

/** Whether `id` has the form that newId gives for this prefix; anything else can't be in the store. */
export function isId(prefix: string, id: string): boolean {
  return id.startsWith(`${prefix}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(id.slice(prefix.length + 1));
}

/** When an id was made, in ms. */
export function timeOfId(id: string): number {
  const digits = id.slice(id.indexOf("_") + 1).slice(0, 10);
  return [...digits].reduce((time, digit) => time * 32 + ALPHABET.indexOf(digit), 0);
}

function encodeTime(time: number): string {
  let rest = time;
  let text = "";
  for (let i = 0; i < 10; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The next number in base 32; it starts below the top, so that it does not overflow within a millisecond. */
function increment(digits: readonly number[]): number[] {
  const next = [...digits];
  for (let i = next.length - 1; i >= 0; i--) {
    const digit = next[i] ?? 0;
    if (digit < 31) {
      next[i] = digit + 1;
      return next;
    }
    next[i] = 0;
  }
  return next;
}
