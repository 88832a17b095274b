/** How much of something is done, as a thin line. */
import "./bar.css";

export function Bar({ value, max, label }: { value: number; max: number; label: string }) {
  return <progress class="bar-line" value={value} max={Math.max(1, max)} aria-label={label} />;
}
