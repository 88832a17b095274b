/** The spec as JSON, to read, to copy and to change. */
import { useState } from "preact/hooks";
import type { Draft } from "./draft.ts";

export function JsonPane({ draft }: { draft: Draft }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(draft.text.value).then(
      () => setCopied(true),
      () => setCopied(false),
    );
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <section class="card stack json-pane" aria-labelledby="new-json">
      <div class="row">
        <h2 id="new-json">JSON</h2>
        <button type="button" class="push" onClick={copy}>
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
      <textarea
        aria-label="The spec as JSON"
        spellcheck={false}
        autocomplete="off"
        value={draft.text.value}
        aria-invalid={draft.textMistake.value !== null}
        onInput={({ currentTarget }) => draft.type(currentTarget.value)}
      />
      {draft.textMistake.value && (
        <p class="mistakes" role="alert">
          {draft.textMistake.value}
        </p>
      )}
    </section>
  );
}
