/** A table of one's own: dropped or chosen, looked at, and each column given its part. */
import { signal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { messageOf } from "../service/client.ts";
import {
  type Dataset,
  type DatasetColumn,
  getDataset,
  listDatasets,
  type Preview,
  previewDataset,
  UPLOADS,
  uploadDataset,
} from "../service/datasets.ts";
import { bytes, count, figure } from "../shared/format.ts";
import { setPreprocess } from "./data-section.tsx";
import type { Draft } from "./draft.ts";
import { listIn, objectIn, textIn, valueAt } from "./json.ts";
import { suggestNetwork } from "./suggest-network.ts";

export function DatasetChoice({ draft }: { draft: Draft }) {
  const id = textIn(valueAt(draft.spec.value, ["data", "dataset_id"]));
  const [known, setKnown] = useState<readonly Dataset[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    listDatasets().then(
      ({ data }) => setKnown(data),
      (error) => setTrouble(messageOf(error)),
    );
  }, []);
  const choose = (dataset: Dataset) => draft.set(["data"], startOf(dataset));
  const chosen = useId();
  return (
    <div class="stack">
      <Upload
        onUploaded={(dataset) => {
          setKnown([dataset, ...known]);
          choose(dataset);
        }}
      />
      {known.length > 0 && (
        <div class="field">
          <label for={chosen}>or one from before</label>
          <select
            id={chosen}
            value={id}
            onChange={({ currentTarget: { value } }) => {
              const dataset = known.find((one) => one.id === value);
              if (dataset) choose(dataset);
            }}
          >
            {!known.some((dataset) => dataset.id === id) && <option value={id}>{id || "choose"}</option>}
            {known.map((dataset) => (
              <option key={dataset.id} value={dataset.id}>
                {dataset.name ?? dataset.id} · {count(dataset.rows)} rows
              </option>
            ))}
          </select>
        </div>
      )}
      {trouble && (
        <p class="notice" role="alert">
          {trouble}
        </p>
      )}
      {id !== "" && <Columns key={id} id={id} draft={draft} />}
    </div>
  );
}

/** The last column is mostly the one to predict. */
function startOf({ id, columns }: Dataset): object {
  return { dataset_id: id, target: columns.at(-1)?.name ?? "" };
}

function Upload({ onUploaded }: { onUploaded: (dataset: Dataset) => void }) {
  const [state, setState] = useState<{ readonly busy: string } | { readonly trouble: string } | null>(null);
  const [isOver, setOver] = useState(false);
  const underway = useRef<AbortController | null>(null);
  useEffect(() => () => underway.current?.abort(), []);
  const upload = async (file: File | undefined) => {
    if (!file) return;
    underway.current?.abort();
    const stop = new AbortController();
    underway.current = stop;
    setState({ busy: `Uploading ${file.name}, ${bytes(file.size)}…` });
    try {
      onUploaded(await uploadDataset(file, stop.signal));
      setState(null);
    } catch (error) {
      if (!stop.signal.aborted) setState({ trouble: messageOf(error) });
    }
  };
  return (
    <div>
      <label
        class={`drop${isOver ? " over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void upload(event.dataTransfer?.files[0]);
        }}
      >
        <input
          type="file"
          class="spoken"
          accept={UPLOADS}
          onChange={({ currentTarget }) => {
            void upload(currentTarget.files?.[0]);
            currentTarget.value = "";
          }}
        />
        <strong>Choose a file, or drop one here</strong>
        <span class="soft small">
          CSV with a header line; NDJSON, Parquet, NPY, NPZ and IDX, too; each also gzipped
        </span>
      </label>
      {state && "busy" in state && (
        <p class="soft small" role="status">
          {state.busy}
        </p>
      )}
      {state && "trouble" in state && (
        <p class="notice" role="alert">
          {state.trouble}
        </p>
      )}
    </div>
  );
}

type Role = "input" | "target" | "weight" | "unused";

function Columns({ id, draft }: { id: string; draft: Draft }) {
  const loaded = useMemo(() => signal<{ dataset: Dataset; preview: Preview } | { trouble: string } | null>(null), [id]);
  useEffect(() => {
    let isStale = false;
    Promise.all([getDataset(id), previewDataset(id)]).then(
      ([dataset, preview]) => {
        if (!isStale) loaded.value = { dataset, preview };
      },
      (error) => {
        if (!isStale) loaded.value = { trouble: messageOf(error) };
      },
    );
    return () => {
      isStale = true;
    };
  }, [id]);
  const state = loaded.value;
  if (state === null)
    return (
      <p class="soft small" role="status">
        Reading its columns…
      </p>
    );
  if ("trouble" in state)
    return (
      <p class="notice" role="alert">
        {state.trouble}
      </p>
    );
  const { dataset, preview } = state;
  const data = objectIn(draft.spec.value["data"]);
  const roles = rolesOf(dataset, data);
  const oneHot = new Set(listIn(objectIn(data["preprocess"])["one_hot"]));
  const assign = (name: string, role: Role) => draft.set(["data"], withRole(dataset, data, roles, name, role));
  const target = dataset.columns.find(({ name }) => name === data["target"]);
  const suggestion = target && suggestNetwork(draft.spec.value, target);
  return (
    <>
      <p class="soft small">
        {count(dataset.rows)} rows, {count(dataset.columns.length)} columns, {bytes(dataset.bytes)}; the first{" "}
        {preview.rows.length} are shown.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="scroll preview" tabIndex={0} aria-label="The data set's columns and first rows">
        <table>
          <thead>
            <tr>
              {dataset.columns.map((column) => (
                <th key={column.name} scope="col" class={roles.get(column.name)}>
                  <span class="column-name">{column.name}</span>
                  <span class="soft">{describeColumn(column)}</span>
                  <select
                    aria-label={`Part of ${column.name}`}
                    value={roles.get(column.name)}
                    onChange={({ currentTarget: { value } }) => assign(column.name, roleOf(value))}
                  >
                    <option value="input">input</option>
                    <option value="target">target</option>
                    <option value="weight">weight</option>
                    <option value="unused">left out</option>
                  </select>
                  {column.dtype === "string" && roles.get(column.name) === "input" && (
                    <label class="one-hot">
                      <input
                        type="checkbox"
                        checked={oneHot.has(column.name)}
                        onChange={({ currentTarget: { checked } }) => {
                          if (checked) oneHot.add(column.name);
                          else oneHot.delete(column.name);
                          setPreprocess(draft, "one_hot", oneHot.size > 0 ? [...oneHot] : undefined);
                        }}
                      />
                      one-hot
                    </label>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {preview.rows.map((row, i) => (
              <tr key={i}>
                {row.map((cell, c) => (
                  <td key={preview.columns[c]} class={roles.get(preview.columns[c] ?? "")}>
                    {cellText(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {suggestion && (
        <p class="row small">
          <span>{suggestion.why}</span>
          <button type="button" onClick={() => draft.replace(suggestion.spec)}>
            {suggestion.action}
          </button>
        </p>
      )}
    </>
  );
}

const roleOf = (text: string): Role =>
  (["input", "target", "weight"] as const).find((role) => role === text) ?? "unused";

function rolesOf({ columns }: Dataset, data: ReturnType<typeof objectIn>): Map<string, Role> {
  const features = Array.isArray(data["features"]) ? new Set<unknown>(data["features"]) : null;
  return new Map(
    columns.map(({ name }) => {
      if (name === data["target"]) return [name, "target"];
      if (name === data["weight"]) return [name, "weight"];
      return [name, features === null || features.has(name) ? "input" : "unused"];
    }),
  );
}

/** `features` is left out as long as every other column is one. */
function withRole(
  { columns }: Dataset,
  data: ReturnType<typeof objectIn>,
  roles: ReadonlyMap<string, Role>,
  name: string,
  role: Role,
): object {
  const changed = new Map(roles);
  // There is one target and one weight: who held the part before becomes an input.
  if (role === "target" || role === "weight")
    for (const [other, held] of roles) if (held === role) changed.set(other, "input");
  changed.set(name, role);
  const having = (wanted: Role) =>
    columns.flatMap((column) => (changed.get(column.name) === wanted ? [column.name] : []));
  const { features: _f, target: _t, weight: _w, preprocess, ...rest } = data;
  const [target] = having("target");
  const [weight] = having("weight");
  return {
    ...rest,
    ...(having("unused").length > 0 && { features: having("input") }),
    target: target ?? "",
    ...(weight !== undefined && { weight }),
    ...(preprocess !== undefined && { preprocess }),
  };
}

function describeColumn({ dtype, min, max, missing, categories, shape }: DatasetColumn): string {
  const gaps = missing > 0 ? `, ${count(missing)} missing` : "";
  if (shape !== undefined) return `${shape.join(" × ")} numbers${gaps}`;
  if (dtype === "string") return `${categories ? `${count(categories.length)} words` : "text"}${gaps}`;
  if (dtype === "boolean") return `true or false${gaps}`;
  return min === null ? "no value" : `${figure(min)} … ${figure(max)}${gaps}`;
}

function cellText(cell: unknown): string {
  if (cell === null) return "—";
  if (typeof cell === "number") return String(Number(cell.toPrecision(6)));
  const text = typeof cell === "string" ? cell : JSON.stringify(cell);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
