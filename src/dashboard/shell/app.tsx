/** The frame around every view: where one can go, how the service is, and the one view that the address names. */
import "./app.css";
import { useEffect, useRef } from "preact/hooks";
import iconUrl from "../icon.svg";
import { href, place } from "../router.ts";
import { routeOf, routes } from "../routes.tsx";
import { apiKey, forgetKey } from "../service/api-key.ts";
import { KeyDialog } from "./key-dialog.tsx";
import { ServiceLine } from "./service-line.tsx";
import { ThemeButton } from "./theme-button.tsx";

export function App() {
  const { path, query } = place.value;
  const found = routeOf(path);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = found ? `${found.route.title} · epochd` : "epochd";
    // Who goes on by keyboard or listens starts at the new view, as after the load of a page.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    scrollTo(0, 0);
  }, [path]);
  const View = found?.route.view;
  return (
    <>
      <header class="bar">
        <button type="button" class="skip" onClick={() => main.current?.focus()}>
          Skip to the content
        </button>
        <a class="brand" href={href("/")}>
          <img src={iconUrl} alt="" width="22" height="22" />
          epochd
        </a>
        <nav class="views" aria-label="Views">
          {routes
            .filter(({ inHeader }) => inHeader)
            .map((route) => (
              <a href={href(route.path)} aria-current={route === found?.route ? "page" : undefined}>
                {route.title}
              </a>
            ))}
        </nav>
        <ServiceLine />
        <nav class="links" aria-label="More">
          <a href="/docs">API</a>
          {apiKey.value !== null && (
            <button type="button" class="quiet" onClick={forgetKey}>
              Forget key
            </button>
          )}
          <ThemeButton />
        </nav>
      </header>
      <main ref={main} tabIndex={-1}>
        {View && found ? <View key={path} params={found.params} query={query} /> : <Nowhere path={path} />}
      </main>
      <KeyDialog />
    </>
  );
}

function Nowhere({ path }: { path: string }) {
  return (
    <div class="card stack">
      <h1>There is nothing at {path}</h1>
      <p>
        <a href={href("/")}>All runs</a>
      </p>
    </div>
  );
}
