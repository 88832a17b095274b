/** The colour that a token of style/tokens.css has now, for a canvas: of `light-dark(…)` only an element knows the half. */
import { appearance } from "../style/theme.ts";

const probe = document.createElement("span");
probe.hidden = true;
const known = new Map<string, string>();
appearance.subscribe(() => known.clear());

export function colorOf(token: string): string {
  const found = known.get(token);
  if (found !== undefined) return found;
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${token})`;
  const { color } = getComputedStyle(probe);
  known.set(token, color);
  return color;
}
