/** How to train: loss, optimizer, length, what to measure and what to look at meanwhile. */
import type { Catalogue } from "../service/catalogue.ts";
import { ComponentField } from "./component-field.tsx";
import type { Draft } from "./draft.ts";
import { SchemaForm } from "./fields.tsx";
import { listIn, objectIn } from "./json.ts";
import { Mistakes, wrongFields } from "./mistakes.tsx";

/** They have a place of their own in the page. */
const ELSEWHERE = ["name", "metrics", "metadata", "changes"];

export function TrainingSection({ draft, catalogue }: { draft: Draft; catalogue: Catalogue }) {
  const spec = draft.spec.value;
  const others =
    draft.report.value?.errors.filter(
      ({ path }) => !/^(?:model|data|validation|loss|optimizer|scheduler|metrics|probes)\b/.test(path),
    ) ?? [];
  return (
    <section class="card stack" aria-labelledby="new-training">
      <h2 id="new-training">Training</h2>
      <ComponentField draft={draft} name="loss" entries={catalogue.losses} />
      <ComponentField draft={draft} name="optimizer" entries={catalogue.optimizers} first={["lr"]} />
      <SchemaForm
        schema={catalogue.settings_schema}
        value={spec}
        without={ELSEWHERE}
        first={["batch_size", "seed", "device"]}
        wrong={wrongFields(others, "")}
        onChange={(name, value) => draft.set([name], value)}
      />
      <Mistakes of={others} base="" />
      <ComponentField draft={draft} name="scheduler" entries={catalogue.schedulers} optional />
      <Metrics draft={draft} catalogue={catalogue} />
      <Probes draft={draft} />
    </section>
  );
}

function Metrics({ draft, catalogue }: { draft: Draft; catalogue: Catalogue }) {
  const chosen = listIn(draft.spec.value["metrics"]);
  return (
    <fieldset>
      <legend>metrics</legend>
      <div class="row">
        {catalogue.metrics.map(({ name, summary }) => (
          <label key={name} class="choice-chip" title={summary}>
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={({ currentTarget: { checked } }) => {
                const kept = chosen.filter((other) => other !== name);
                const metrics = checked ? [...kept, name] : kept;
                draft.set(["metrics"], metrics.length > 0 ? metrics : undefined);
              }}
            />
            {name}
          </label>
        ))}
      </div>
      <Mistakes of={draft.mistakesIn("metrics")} base="metrics" />
    </fieldset>
  );
}

function Probes({ draft }: { draft: Draft }) {
  const probes = draft.spec.value["probes"];
  const isOn = probes !== undefined && probes !== null;
  const every = objectIn(probes)["every_epochs"];
  return (
    <fieldset>
      <legend>look at the model while it trains</legend>
      <div class="row">
        <label class="choice-chip">
          <input
            type="checkbox"
            checked={isOn}
            onChange={({ currentTarget: { checked } }) => draft.set(["probes"], checked ? { grid: {} } : undefined)}
          />
          on a grid over its inputs
        </label>
        {isOn && (
          <label class="row small">
            every
            <input
              class="short"
              type="text"
              inputMode="numeric"
              placeholder="e.g. 10"
              value={typeof every === "number" ? every : ""}
              onInput={({ currentTarget: { value } }) => {
                const number = Number(value);
                draft.set(
                  ["probes", "every_epochs"],
                  value.trim() === "" || !Number.isFinite(number) ? undefined : number,
                );
              }}
            />
            epochs <span class="soft">(left empty: about 100 times in all)</span>
          </label>
        )}
      </div>
      <Mistakes of={draft.mistakesIn("probes")} base="probes" />
    </fieldset>
  );
}
