/** What to learn from: a built-in set, or a table that was uploaded, now or before. */
import { useId } from "preact/hooks";
import type { Catalogue } from "../service/catalogue.ts";
import { DatasetChoice } from "./dataset-choice.tsx";
import type { Draft } from "./draft.ts";
import { SchemaForm } from "./fields.tsx";
import { objectIn, textIn, valueAt } from "./json.ts";
import { Mistakes, wrongFields } from "./mistakes.tsx";

const SOURCES = [
  { field: "builtin", label: "Built in", start: { builtin: "moons" } },
  { field: "dataset_id", label: "A file of yours", start: { dataset_id: "", target: "" } },
  { field: "inline", label: "In the JSON", start: { inline: { inputs: [[0], [1]], targets: [0, 1] } } },
] as const;

export function DataSection({ draft, catalogue }: { draft: Draft; catalogue: Catalogue }) {
  const data = objectIn(draft.spec.value["data"]);
  const source = SOURCES.find(({ field }) => field in data);
  const mistakes = draft.mistakesIn("data");
  const name = useId();
  return (
    <section class="card stack" aria-labelledby="new-data">
      <h2 id="new-data">Data</h2>
      <div class="row" role="radiogroup" aria-label="Where the data comes from">
        {SOURCES.map(({ field, label, start }) => (
          <label key={field} class="choice-chip">
            <input
              type="radio"
              name={name}
              checked={source?.field === field}
              onChange={() => draft.set(["data"], start)}
            />
            {label}
          </label>
        ))}
      </div>
      {source?.field === "builtin" && <Builtin draft={draft} catalogue={catalogue} />}
      {source?.field === "dataset_id" && <DatasetChoice draft={draft} />}
      {source?.field === "inline" && (
        <p class="soft small">The rows stand in the JSON, under data.inline: inputs and targets, one entry per row.</p>
      )}
      <details class="more" open={"preprocess" in data || undefined}>
        <summary>Preprocessing</summary>
        <SchemaForm
          schema={catalogue.preprocess_schema}
          value={objectIn(data["preprocess"])}
          first={["standardize", "impute", "scale", "shape", "map", "one_hot"]}
          wrong={wrongFields(mistakes, "data.preprocess")}
          onChange={(field, value) => setPreprocess(draft, field, value)}
        />
      </details>
      <Mistakes of={mistakes} base="data" />
      <Validation draft={draft} />
    </section>
  );
}

/** The last step that goes takes the field along, so that an untouched form leaves nothing behind. */
export function setPreprocess(draft: Draft, field: string, value: unknown): void {
  const { [field]: _old, ...others } = objectIn(valueAt(draft.spec.value, ["data", "preprocess"]));
  const steps = value === undefined ? others : { ...others, [field]: value };
  draft.set(["data", "preprocess"], Object.keys(steps).length === 0 ? undefined : steps);
}

function Builtin({ draft, catalogue }: { draft: Draft; catalogue: Catalogue }) {
  const data = objectIn(draft.spec.value["data"]);
  const builtin = textIn(data["builtin"]);
  const set = catalogue.builtin_datasets.find(({ name }) => name === builtin);
  const id = useId();
  // A classic file has the rows that it has.
  const without = set?.samples === null ? ["builtin", "samples", "noise", "seed"] : ["builtin"];
  return (
    <>
      <div class="field">
        <label for={id}>set</label>
        <select
          id={id}
          value={builtin}
          onChange={({ currentTarget }) => draft.set(["data"], { builtin: currentTarget.value })}
        >
          {!set && <option value={builtin}>{builtin || "choose"}</option>}
          {catalogue.builtin_datasets.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {set && <p class="soft small summary">{set.summary}</p>}
      <SchemaForm
        key={builtin}
        schema={catalogue.builtin_schema}
        value={data}
        without={without}
        first={["samples", "noise"]}
        wrong={wrongFields(draft.mistakesIn("data"), "data")}
        onChange={(field, value) => draft.set(["data", field], value)}
      />
    </>
  );
}

function Validation({ draft }: { draft: Draft }) {
  const id = useId();
  const validation = objectIn(draft.spec.value["validation"]);
  const isOther = Object.keys(validation).length > 0 && !("split" in validation);
  const percent = typeof validation["split"] === "number" ? Math.round(validation["split"] * 100) : 0;
  return (
    <>
      <div class="field">
        <label for={id}>kept for validation</label>
        {isOther ? (
          <span class="soft small">other data, as the JSON says</span>
        ) : (
          <span class="row">
            <input
              id={id}
              type="range"
              min="0"
              max="50"
              step="5"
              value={percent}
              onInput={({ currentTarget }) => {
                const chosen = Number(currentTarget.value);
                draft.set(["validation"], chosen === 0 ? undefined : { split: chosen / 100 });
              }}
            />
            <output for={id}>{percent === 0 ? "nothing" : `${percent} %`}</output>
          </span>
        )}
      </div>
      <Mistakes of={draft.mistakesIn("validation")} base="validation" />
    </>
  );
}
