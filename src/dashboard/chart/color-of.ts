/** The colour that a token of style/tokens.css has now, for a canvas: of `light-dark(…)` only an element knows the half. */
const probe = document.createElement("span");
probe.hidden = true;

export function colorOf(token: string): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}
