/** The network, layer by layer: what each takes, what it gives, and what is wrong there. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Catalogue, CatalogueEntry } from "../service/catalogue.ts";
import { count } from "../shared/format.ts";
import type { Draft } from "./draft.ts";
import { SchemaForm } from "./fields.tsx";
import { listIn, nameOf, objectIn, textIn, valueAt } from "./json.ts";
import { Mistakes, wrongFields } from "./mistakes.tsx";

const LAYERS = ["model", "layers"] as const;

export function LayersSection({ draft, catalogue }: { draft: Draft; catalogue: Catalogue }) {
  const layers = listIn(valueAt(draft.spec.value, LAYERS));
  const input = draft.report.value?.shapes.input ?? null;
  const replace = (changed: readonly unknown[]) => draft.set(LAYERS, changed);
  const focusAfter = useFocusAfter();
  const others = draft.mistakesIn("model").filter(({ path }) => !/^model\.layers\[/.test(path));
  return (
    <section class="card stack" aria-labelledby="new-network">
      <div class="row">
        <h2 id="new-network">Network</h2>
        <span class="soft small">{input ? `takes ${shapeText(input)}` : "its input follows from the data"}</span>
      </div>
      <ol class="layer-cards">
        {layers.map((layer, i) => (
          <LayerCard
            key={i}
            draft={draft}
            layer={layer}
            at={i}
            last={layers.length - 1}
            entries={catalogue.layers}
            onMove={(by) => {
              const [one, other] = by < 0 ? ["up", "down"] : ["down", "up"];
              focusAfter(`Move layer ${i + by} ${one}`, `Move layer ${i + by} ${other}`);
              replace(moved(layers, i, i + by));
            }}
            onRemove={() => {
              focusAfter(`Remove layer ${i}`, `Remove layer ${i - 1}`, "Add another layer");
              replace(layers.filter((_, other) => other !== i));
            }}
          />
        ))}
      </ol>
      <Mistakes of={others} base="model" />
      <AddLayer entries={catalogue.layers} onAdd={(type) => replace([...layers, newLayer(type)])} />
    </section>
  );
}

/** Who works by keyboard goes along with a layer: focuses the first of these that there is, once the layers are drawn anew. */
function useFocusAfter(): (...labels: readonly string[]) => void {
  const wanted = useRef<readonly string[]>([]);
  useLayoutEffect(() => {
    const found = wanted.current.flatMap(
      (label) => document.querySelector<HTMLElement>(`[aria-label="${label}"]:enabled`) ?? [],
    );
    wanted.current = [];
    found[0]?.focus();
  });
  return (...labels) => {
    wanted.current = labels;
  };
}

interface CardProps {
  readonly draft: Draft;
  readonly layer: unknown;
  readonly at: number;
  readonly last: number;
  readonly entries: readonly CatalogueEntry[];
  readonly onMove: (by: -1 | 1) => void;
  readonly onRemove: () => void;
}

function LayerCard({ draft, layer, at, last, entries, onMove, onRemove }: CardProps) {
  const path = [...LAYERS, at];
  const value = objectIn(layer);
  const type = textIn(value["type"]);
  const entry = entries.find((known) => known.type === type);
  const mistakes = draft.mistakesIn(...path);
  const shape = draft.report.value?.shapes.layers.find(({ name }) => name === String(at));
  const change = (name: string, changed: unknown) => draft.set([...path, name], changed);
  return (
    <li class={`layer-card${mistakes.length > 0 ? " wrong" : ""}`} aria-label={`Layer ${at}, ${type}`}>
      <div class="row">
        <span class="soft small place">{at}</span>
        <select
          aria-label={`Type of layer ${at}`}
          value={type}
          onChange={({ currentTarget }) => draft.set(path, newLayer(currentTarget.value))}
        >
          {!entry && <option value={type}>{type || "choose"}</option>}
          {entries.map((known) => (
            <option key={known.type} value={known.type}>
              {known.type}
            </option>
          ))}
        </select>
        <span class="shape small">
          {shape ? (
            <>
              <span class="spoken">gives</span>→ {shapeText(shape.output_shape)}
              {shape.parameters > 0 && <span class="soft"> · {count(shape.parameters)} weights</span>}
            </>
          ) : (
            <span class="soft">→ ?</span>
          )}
        </span>
        <span class="row push tools">
          <button
            type="button"
            class="quiet"
            aria-label={`Move layer ${at} up`}
            disabled={at === 0}
            onClick={() => onMove(-1)}
          >
            ↑
          </button>
          <button
            type="button"
            class="quiet"
            aria-label={`Move layer ${at} down`}
            disabled={at === last}
            onClick={() => onMove(1)}
          >
            ↓
          </button>
          <button type="button" class="quiet" aria-label={`Remove layer ${at}`} onClick={onRemove}>
            ✕
          </button>
        </span>
      </div>
      {entry && (
        <SchemaForm
          key={type}
          schema={entry.schema}
          value={value}
          without={["type"]}
          wrong={wrongFields(mistakes, nameOf(path))}
          onChange={change}
        />
      )}
      <Mistakes of={mistakes} base={nameOf(path)} />
    </li>
  );
}

const USUAL = ["Linear", "ReLU", "Conv2d", "MaxPool2d", "Flatten", "Dropout", "BatchNorm1d"];

function AddLayer({ entries, onAdd }: { entries: readonly CatalogueEntry[]; onAdd: (type: string) => void }) {
  const known = USUAL.filter((type) => entries.some((entry) => entry.type === type));
  return (
    <div class="row add-layer">
      <span class="soft small">Add</span>
      {known.map((type) => (
        <button key={type} type="button" onClick={() => onAdd(type)}>
          {type}
        </button>
      ))}
      <select
        aria-label="Add another layer"
        value=""
        onChange={({ currentTarget }) => {
          if (currentTarget.value !== "") onAdd(currentTarget.value);
          currentTarget.value = "";
        }}
      >
        <option value="">another…</option>
        {entries.map(({ type, summary }) => (
          <option key={type} value={type} title={summary}>
            {type}
          </option>
        ))}
      </select>
    </div>
  );
}

const STARTS: Readonly<Record<string, object>> = {
  Linear: { out_features: 16 },
  Conv1d: { out_channels: 8, kernel_size: 3 },
  Conv2d: { out_channels: 8, kernel_size: 3, padding: 1 },
  MaxPool1d: { kernel_size: 2 },
  MaxPool2d: { kernel_size: 2 },
  AvgPool2d: { kernel_size: 2 },
  LSTM: { hidden_size: 32 },
  GRU: { hidden_size: 32 },
  RNN: { hidden_size: 32 },
  Residual: { layers: [{ type: "ReLU" }] },
  Sequential: { layers: [{ type: "ReLU" }] },
};

const newLayer = (type: string): object => ({ type, ...STARTS[type] });

function moved(list: readonly unknown[], from: number, to: number): unknown[] {
  const copy = [...list];
  copy.splice(to, 0, ...copy.splice(from, 1));
  return copy;
}

export const shapeText = (shape: readonly number[]): string => (shape.length === 0 ? "a number" : shape.join(" × "));
