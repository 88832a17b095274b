/** Asks the model: by a field for each column, by a picture that one draws, or by JSON. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { messageOf } from "../service/client.ts";
import type { Job } from "../service/jobs.ts";
import { type Cell, type Prediction, type Predictions, predict } from "../service/predictions.ts";
import { figure } from "../shared/format.ts";
import { imageShapeOf, Sketch } from "./sketch.tsx";

const PAUSE_MS = 120;
/** More columns than these are filled in by JSON, or come from a row of the data. */
const MOST_FIELDS = 40;

type Way = "fields" | "picture" | "json";

export function PredictCard({ job, predictions }: { job: Job; predictions: Predictions | null }) {
  const rows = predictions?.inputs ?? [];
  const image = useMemo(() => (predictions ? imageShapeOf(job, predictions) : null), [predictions]);
  const ways = waysOf(predictions, image !== null);
  const [wanted, setWanted] = useState<Way | null>(null);
  const way = wanted !== null && ways.includes(wanted) ? wanted : (ways[0] ?? "json");
  const [at, setAt] = useState(0);
  /** The row to ask with; null until someone has given one. */
  const [row, setRow] = useState<readonly unknown[] | null>(null);
  const [text, setText] = useState("");
  const shown = row ?? rows[0] ?? null;
  const ask = useAnswer(job.id, shown, predictions?.checkpoint.step ?? 0);
  const take = (index: number) => {
    setAt(index);
    const next = rows[index] ?? null;
    setRow(next);
    setText(next === null ? "" : JSON.stringify(next));
  };
  const truth = row === null || row === rows[at] ? truthOf(predictions, at) : null;
  return (
    <section class="card stack" aria-labelledby="try-predict">
      <div class="row">
        <h2 id="try-predict">Predict</h2>
        {ways.length > 1 && (
          <fieldset class="row push ways" aria-label="How to ask">
            {ways.map((one) => (
              <button key={one} type="button" aria-pressed={one === way} onClick={() => setWanted(one)}>
                {{ fields: "by fields", picture: "by a picture", json: "by JSON" }[one]}
              </button>
            ))}
          </fieldset>
        )}
      </div>
      <div class="ask">
        <div class="stack">
          {way === "fields" && predictions && (
            <RowFields predictions={predictions} row={shown ?? []} onChange={(changed) => setRow(changed)} />
          )}
          {way === "picture" && image && <Sketch shape={image} row={shown} onDraw={setRow} />}
          {way === "json" && (
            <JsonRow
              text={text || (shown === null ? "" : JSON.stringify(shown))}
              onChange={(typed, value) => {
                setText(typed);
                if (value) setRow(value);
              }}
            />
          )}
          {rows.length > 0 && (
            <p class="row small">
              <button
                type="button"
                onClick={() => take((at + 1 + Math.floor(Math.random() * (rows.length - 1))) % rows.length)}
              >
                Another row of the {predictions?.rows_of} data
              </button>
              {truth !== null && <span class="soft">is {truth}</span>}
            </p>
          )}
        </div>
        <Answer {...ask} waiting={shown === null} />
      </div>
    </section>
  );
}

function waysOf(predictions: Predictions | null, isImage: boolean): Way[] {
  const width = predictions?.inputs?.[0]?.length ?? 0;
  return [
    ...(isImage ? (["picture"] as const) : []),
    ...(width > 0 && width <= MOST_FIELDS ? (["fields"] as const) : []),
    "json",
  ];
}

function truthOf(predictions: Predictions | null, at: number): string | null {
  const label = predictions?.target_labels?.[at];
  if (label !== undefined && label !== null) return String(label);
  const target = predictions?.targets[at];
  return target === undefined
    ? null
    : (Array.isArray(target) ? target : [target]).map((value) => figure(Number(value))).join(", ");
}

/** Asks a moment after the last change, and again when the weights are newer. */
function useAnswer(id: string, row: readonly unknown[] | null, step: number) {
  const [answer, setAnswer] = useState<Prediction | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const key = JSON.stringify(row);
  useEffect(() => {
    if (row === null) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      predict(id, [row], stop.signal).then(
        (found) => {
          setAnswer(found);
          setTrouble(null);
        },
        (error) => !stop.signal.aborted && setTrouble(messageOf(error)),
      );
    }, PAUSE_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, key, step]);
  return { answer, trouble };
}

function Answer({ answer, trouble, waiting }: { answer: Prediction | null; trouble: string | null; waiting: boolean }) {
  if (trouble !== null)
    return (
      <p class="notice" role="alert">
        {trouble}
      </p>
    );
  if (!answer) return <p class="soft">{waiting ? "Its answer stands here." : "Asking…"}</p>;
  const [label] = answer.labels ?? [];
  const [probabilities] = answer.probabilities ?? [];
  return (
    <div class="stack answer" aria-live="polite">
      <p class="said">{label !== undefined && label !== null ? String(label) : numbersText(answer.outputs[0])}</p>
      {probabilities && <Bars probabilities={probabilities} names={answer.classes} best={label ?? null} />}
      <p class="soft small">with the weights of epoch {answer.checkpoint.epoch}</p>
    </div>
  );
}

function Bars({
  probabilities,
  names,
  best,
}: {
  probabilities: readonly number[];
  names: readonly string[] | undefined;
  best: unknown;
}) {
  const all = probabilities.map((probability, i) => ({ probability, name: names?.[i] ?? String(i) }));
  const most = all.toSorted((a, b) => b.probability - a.probability).slice(0, 10);
  return (
    <ul class="bars">
      {(all.length > 10 ? most : all).map(({ name, probability }) => (
        <li key={name} class={name === String(best) ? "best" : ""}>
          <span class="name">{name}</span>
          <meter min={0} max={1} value={probability} aria-label={name} />
          <span class="number">{(probability * 100).toFixed(1)} %</span>
        </li>
      ))}
    </ul>
  );
}

function numbersText(output: unknown): string {
  const values = Array.isArray(output) ? output.flat(6) : [output];
  const some = values.slice(0, 12).map((value) => (typeof value === "number" ? figure(value) : "—"));
  return some.join(", ") + (values.length > 12 ? ", …" : "");
}

interface FieldsProps {
  readonly predictions: Predictions;
  readonly row: readonly unknown[];
  readonly onChange: (row: readonly unknown[]) => void;
}

/** A column of words offers those that its rows hold. */
function RowFields({ predictions: { features, inputs = [] }, row, onChange }: FieldsProps) {
  const words = useMemo(() => (inputs[0] ?? []).map((_, column) => wordsIn(inputs, column)), [inputs]);
  const change = (column: number, value: unknown) => onChange(row.map((old, i) => (i === column ? value : old)));
  return (
    <div class="fields">
      {row.map((value, column) => {
        const name = features?.[column] ?? `input ${column}`;
        const choices = words[column] ?? [];
        return (
          <div key={name} class="field">
            <label for={`ask-${column}`}>{name}</label>
            {choices.length > 0 ? (
              <select
                id={`ask-${column}`}
                value={String(value)}
                onChange={({ currentTarget }) => change(column, currentTarget.value)}
              >
                {choices.map((word) => (
                  <option key={word}>{word}</option>
                ))}
              </select>
            ) : (
              <NumberField id={`ask-${column}`} value={value} onChange={(changed) => change(column, changed)} />
            )}
          </div>
        );
      })}
    </div>
  );
}

function wordsIn(inputs: readonly (readonly Cell[])[], column: number): string[] {
  const words = inputs.flatMap((row) => (typeof row[column] === "string" ? [row[column]] : []));
  return [...new Set(words)].sort();
}

/** What is no number goes to the service as text, which may know the word; what is empty is missing. */
function NumberField({ id, value, onChange }: { id: string; value: unknown; onChange: (value: unknown) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  const read = (text: string): unknown => {
    if (text.trim() === "") return null;
    return Number.isFinite(Number(text)) ? Number(text) : text;
  };
  return (
    <input
      id={id}
      type="text"
      inputMode="decimal"
      autocomplete="off"
      value={typed !== null && read(typed) === value ? typed : value === null ? "" : String(value)}
      onInput={({ currentTarget }) => {
        setTyped(currentTarget.value);
        onChange(read(currentTarget.value));
      }}
    />
  );
}

function JsonRow({
  text,
  onChange,
}: {
  text: string;
  onChange: (text: string, row: readonly unknown[] | null) => void;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  return (
    <textarea
      ref={area}
      class="json-row"
      rows={6}
      spellcheck={false}
      aria-label="A row as JSON"
      placeholder="[5.1, 3.5, 1.4, 0.2]"
      value={text}
      onInput={({ currentTarget: { value } }) => {
        try {
          const parsed: unknown = JSON.parse(value);
          onChange(value, Array.isArray(parsed) ? parsed : null);
        } catch {
          onChange(value, null);
        }
      }}
    />
  );
}
