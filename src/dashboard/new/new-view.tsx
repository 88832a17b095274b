/** A new run: an example to start at once, or a spec of one's own, checked as one types. */
import "./new.css";
import { useEffect, useMemo, useState } from "preact/hooks";
import { go, href } from "../router.ts";
import type { ViewProps } from "../routes.tsx";
import { type Catalogue, createJob, getCatalogue, getSpec } from "../service/catalogue.ts";
import { messageOf } from "../service/client.ts";
import { persist } from "../service/persist.ts";
import { bytes, count, duration } from "../shared/format.ts";
import { Tiles } from "../shared/tiles.tsx";
import { withoutStandards } from "./clone.ts";
import { DataSection } from "./data-section.tsx";
import { Draft } from "./draft.ts";
import { blank, type Example, examples } from "./examples.ts";
import { textIn } from "./json.ts";
import { JsonPane } from "./json-pane.tsx";
import { LayersSection } from "./layers-section.tsx";
import { TrainingSection } from "./training-section.tsx";

/** What one worked on stays while one looks at something else. */
let kept: { readonly key: string; readonly draft: Draft } | null = null;

export function NewView({ query }: ViewProps) {
  const from = query.get("from");
  const example = query.get("example");
  const key = JSON.stringify([from, example]);
  const [state, setState] = useState<{ catalogue: Catalogue; draft: Draft } | { trouble: string } | null>(null);
  useEffect(() => {
    let isStale = false;
    setState(null);
    const tell = (trouble: string) => {
      if (!isStale) setState({ trouble });
    };
    persist(() => open(key, from, example), { onAway: tell, isStopped: () => isStale }).then(
      (opened) => !isStale && setState(opened),
      (error) => tell(messageOf(error)),
    );
    return () => {
      isStale = true;
    };
  }, [key]);
  return (
    <div class="stack new-run">
      <h1>New run</h1>
      {from === null && <Examples chosen={example} />}
      {state === null && (
        <p class="soft" role="status">
          {from === null ? "Loading the editor…" : "Loading the run's spec…"}
        </p>
      )}
      {state && "trouble" in state && (
        <p class="notice" role="alert">
          {state.trouble}
        </p>
      )}
      {state && "draft" in state && <Editor {...state} from={from} />}
    </div>
  );
}

async function open(key: string, from: string | null, example: string | null) {
  const catalogue = await getCatalogue();
  if (kept?.key === key) return { catalogue, draft: kept.draft };
  const spec =
    from === null
      ? (examples.find(({ id }) => id === example)?.spec ?? blank)
      : withoutStandards(await getSpec(from), catalogue);
  kept = { key, draft: new Draft(spec) };
  return { catalogue, draft: kept.draft };
}

function Examples({ chosen }: { chosen: string | null }) {
  return (
    <section class="stack" aria-labelledby="new-examples">
      <h2 id="new-examples">Ready to start</h2>
      <ul class="examples">
        {examples.map((example) => (
          <ExampleCard key={example.id} example={example} isChosen={example.id === chosen} />
        ))}
      </ul>
    </section>
  );
}

function ExampleCard({ example, isChosen }: { example: Example; isChosen: boolean }) {
  const { start, busy, trouble } = useStart(() => example.spec);
  return (
    <li class={`card stack example${isChosen ? " chosen" : ""}`}>
      <h3>{example.title}</h3>
      <p class="soft small">{example.about}</p>
      <div class="row">
        <button type="button" class="primary" disabled={busy} aria-label={`Start ${example.title}`} onClick={start}>
          {busy ? "Starting…" : "Start"}
        </button>
        <a class="small" href={href("/new", { example: example.id })} aria-label={`Edit ${example.title}`}>
          Edit
        </a>
      </div>
      {trouble && (
        <p class="notice small" role="alert">
          {trouble}
        </p>
      )}
    </li>
  );
}

function Editor({ catalogue, draft, from }: { catalogue: Catalogue; draft: Draft; from: string | null }) {
  useEffect(() => draft.watch(), [draft]);
  return (
    <>
      <h2>{from === null ? "Or your own" : "Cloned: change what you like"}</h2>
      <div class="editor">
        <form class="stack" aria-label="The spec" onSubmit={(event) => event.preventDefault()}>
          <div class="card field">
            <label for="new-name">name</label>
            <input
              id="new-name"
              type="text"
              maxLength={200}
              autocomplete="off"
              value={textIn(draft.spec.value["name"])}
              onInput={({ currentTarget }) => draft.set(["name"], currentTarget.value || undefined)}
            />
          </div>
          <DataSection draft={draft} catalogue={catalogue} />
          <LayersSection draft={draft} catalogue={catalogue} />
          <TrainingSection draft={draft} catalogue={catalogue} />
        </form>
        <div class="stack aside">
          <Verdict draft={draft} />
          <JsonPane draft={draft} />
        </div>
      </div>
    </>
  );
}

function Verdict({ draft }: { draft: Draft }) {
  const { start, busy, trouble } = useStart(() => draft.spec.value);
  const report = draft.report.value;
  const away = draft.trouble.value;
  return (
    <section class="card stack verdict" aria-label="Check">
      <div class="row">
        <p role="status">{away ?? verdictOf(draft)}</p>
        {report?.valid === false && draft.textMistake.value === null && (
          <button type="button" onClick={showMistakes}>
            {report.errors.length === 1 ? "Show it" : "Show the first"}
          </button>
        )}
      </div>
      {report?.valid && report.model_summary && report.estimate && (
        <Tiles
          of={[
            ["weights", count(report.model_summary.parameters)],
            ["memory", bytes(report.estimate.bytes)],
            ["steps", count(report.estimate.steps)],
            ["about", duration(report.estimate.seconds)],
          ]}
        />
      )}
      <button type="button" class="primary" disabled={busy || !draft.canStart.value} onClick={start}>
        {busy ? "Starting…" : "Start training"}
      </button>
      {trouble && (
        <p class="notice" role="alert">
          {trouble}
        </p>
      )}
    </section>
  );
}

function verdictOf(draft: Draft): string {
  if (draft.textMistake.value !== null) return "The JSON can't be read yet.";
  const report = draft.report.value;
  if (report === null) return "Checking…";
  if (report.valid) return "Ready to train.";
  const { length } = report.errors;
  return length === 1 ? "1 thing is not right yet." : `${length} things are not right yet.`;
}

/** Each is said where it stands, which may be far from here. */
function showMistakes(): void {
  const first = document.querySelector<HTMLElement>(".editor .mistakes");
  first?.scrollIntoView({ block: "center" });
  first?.focus({ preventScroll: true });
}

/** Has a spec trained and goes to see it; a spec with probes is best seen at work. */
function useStart(spec: () => object) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const key = useMemo(() => ({ value: crypto.randomUUID() }), []);
  const start = async () => {
    setBusy(true);
    setTrouble(null);
    const sent = spec();
    try {
      const { id } = await createJob(sent, key.value);
      go("probes" in sent && sent.probes ? `/runs/${id}/try` : `/runs/${id}`);
    } catch (error) {
      setTrouble(messageOf(error));
    } finally {
      // The same click twice is one run; another click is another.
      key.value = crypto.randomUUID();
      setBusy(false);
    }
  };
  return { start, busy, trouble };
}
