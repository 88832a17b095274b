/** Every view of the page: its place, what it is called, and whether the header leads to it. */
import type { ComponentType } from "preact";
import { CompareView } from "./compare/compare-view.tsx";
import { NewView } from "./new/new-view.tsx";
import { match } from "./router.ts";
import { RunView } from "./run/run-view.tsx";
import { RunsView } from "./runs/runs-view.tsx";
import { TryView } from "./try/try-view.tsx";

export interface ViewProps {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export interface Route {
  readonly path: string;
  readonly title: string;
  readonly view: ComponentType<ViewProps>;
  /** In the header, in the order of this table. */
  readonly inHeader?: true;
}

export const routes: readonly Route[] = [
  { path: "/", title: "Runs", view: RunsView, inHeader: true },
  { path: "/new", title: "New run", view: NewView, inHeader: true },
  { path: "/runs/:id", title: "Run", view: RunView },
  { path: "/compare", title: "Compare", view: CompareView, inHeader: true },
  { path: "/runs/:id/try", title: "Try the model", view: TryView },
];

/** Whether there is a view at that place. */
export const leadsTo = (path: string): boolean => routeOf(path) !== null;

export function routeOf(path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const params = match(route.path, path);
    if (params) return { route, params };
  }
  return null;
}
