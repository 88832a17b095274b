/** The machine that figures come from, in words; others at work on it are part of the result. */
import { cpus, loadavg } from "node:os";

export function machine(...more: readonly string[]): string {
  return [`${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores`, `Node ${process.version}`, ...more].join(
    "; ",
  );
}

export const load = (when: "before" | "after"): string =>
  `Load ${when}: ${loadavg()[0]?.toFixed(2)} (1 means one core busy)`;
