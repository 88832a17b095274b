/** Builds elements. Children that are strings become text nodes, so nothing a user named can turn into markup. */

type Child = Node | string | null;

interface Attributes {
  class?: string;
  href?: string;
  download?: string;
  title?: string;
  type?: string;
  max?: number;
  value?: number;
  onclick?: (event: MouseEvent) => void;
  "aria-current"?: "true" | "false";
  "aria-pressed"?: "true" | "false";
  "aria-label"?: string;
  role?: string;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener("click", value);
    else if (value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The element that index.html promises to have. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element with the id "${id}"`);
  return found;
}
