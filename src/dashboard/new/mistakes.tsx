/** What the dry run found wrong at a place, said there. */
import type { Mistake } from "../service/catalogue.ts";

/** `base` is where the list stands, which its lines need not repeat. */
export function Mistakes({ of, base }: { of: readonly Mistake[]; base: string }) {
  if (of.length === 0) return null;
  return (
    <ul class="mistakes" tabIndex={-1}>
      {of.map(({ path, message }) => {
        const place = path.startsWith(base) ? path.slice(base.length).replace(/^\./, "") : path;
        return (
          <li key={path + message}>
            {place !== "" && <code>{place}</code>} {message}
          </li>
        );
      })}
    </ul>
  );
}

/** The names of the fields right below `base` at which something is wrong. */
export function wrongFields(of: readonly Mistake[], base: string): Set<string> {
  return new Set(
    of.flatMap(({ path }) => {
      const name = /^\.?(\w+)/.exec(path.slice(base.length))?.[1];
      return path.startsWith(base) && name !== undefined ? [name] : [];
    }),
  );
}
