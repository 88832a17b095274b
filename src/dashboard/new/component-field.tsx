/** A loss, an optimizer, a scheduler: which one, and its arguments. */
import { useId } from "preact/hooks";
import type { CatalogueEntry } from "../service/catalogue.ts";
import type { Draft } from "./draft.ts";
import { SchemaForm } from "./fields.tsx";
import { objectIn, textIn } from "./json.ts";
import { Mistakes, wrongFields } from "./mistakes.tsx";

interface Props {
  readonly draft: Draft;
  /** The field of the spec, which is also its label. */
  readonly name: "loss" | "optimizer" | "scheduler";
  readonly entries: readonly CatalogueEntry[];
  /** Arguments that everyone looks for. */
  readonly first?: readonly string[];
  readonly optional?: boolean;
}

export function ComponentField({ draft, name, entries, first = [], optional = false }: Props) {
  const id = useId();
  const given = draft.spec.value[name];
  const component = typeof given === "string" ? { type: given } : objectIn(given);
  const type = textIn(component["type"]);
  const entry = entries.find((known) => known.type === type);
  const mistakes = draft.mistakesIn(name);
  const change = (argument: string, value: unknown) => {
    const { [argument]: _old, ...others } = component;
    draft.set([name], value === undefined ? others : { ...others, [argument]: value });
  };
  return (
    <fieldset class="component">
      <div class="field component-type">
        <label for={id}>{name}</label>
        <select
          id={id}
          value={type}
          aria-invalid={mistakes.length > 0}
          onChange={({ currentTarget: { value } }) => draft.set([name], value === "" ? undefined : { type: value })}
        >
          {(optional || type === "") && <option value="">{optional ? "none" : "choose"}</option>}
          {type !== "" && !entry && <option value={type}>{type}</option>}
          {entries.map((known) => (
            <option key={known.type} value={known.type}>
              {known.type}
            </option>
          ))}
        </select>
      </div>
      {entry && <p class="soft small summary">{entry.summary}</p>}
      {entry && (
        <SchemaForm
          key={type}
          schema={entry.schema}
          value={component}
          without={["type"]}
          first={first}
          wrong={wrongFields(mistakes, name)}
          onChange={change}
        />
      )}
      <Mistakes of={mistakes} base={name} />
    </fieldset>
  );
}
