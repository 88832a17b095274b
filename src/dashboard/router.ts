/** Where the page is: `#/runs/job_…?x=time` is the path `/runs/job_…` with a query. Keys and names never stand in it. */
import { signal } from "@preact/signals";

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

export type Query = Readonly<Record<string, string | undefined>>;

export const place = signal(read());
addEventListener("hashchange", () => {
  place.value = read();
});

/** The fragment that leads to a place; what is undefined or empty stays out of its query. */
export function href(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : []));
  const text = new URLSearchParams(given).toString();
  return `#${path}${text === "" ? "" : `?${text}`}`;
}

export function go(path: string, query?: Query): void {
  location.hash = href(path, query);
}

/** Says something else about the same place, without another step in the history. */
export function restate(query: Query): void {
  history.replaceState(null, "", href(place.value.path, query));
  place.value = read();
}

/** The parameters of `/runs/:id` in a path; null if it is none of that pattern. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const found = given[i] ?? "";
    if (part.startsWith(":")) params[part.slice(1)] = decode(found);
    else if (part !== found) return null;
  }
  return params;
}

function read(): Place {
  const fragment = location.hash.slice(1);
  // Links of earlier versions named the run alone.
  if (/^job_\w*$/.test(fragment)) return { path: `/runs/${fragment}`, query: new URLSearchParams() };
  const [path = "", query = ""] = fragment.split("?");
  return { path: path === "" ? "/" : path, query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
