/** The spec of a run, complete, to be read or copied. */
import { useState } from "preact/hooks";

export function SpecText({ spec }: { spec: object }) {
  const [said, setSaid] = useState("");
  const text = JSON.stringify(spec, null, 2);
  const copy = async () => {
    // Browsers have a clipboard only for pages from this machine, or over TLS.
    const copied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    setSaid(copied ? "Copied" : "This browser does not let the page copy: choose the text by hand");
  };
  return (
    <details class="card spec">
      <summary>
        <h2>Spec</h2> <span class="small">complete, with every default</span>
      </summary>
      <div class="row">
        <button type="button" onClick={copy}>
          Copy JSON
        </button>
        <span class="soft small" role="status">
          {said}
        </span>
      </div>
      <pre>{text}</pre>
    </details>
  );
}
