/** Fields of a form, made from a schema: each shows what stands there where it is left empty. */
import { useId, useState } from "preact/hooks";
import type { JsonObject } from "./json.ts";
import { type Field, fieldsOf, type Kind } from "./schema.ts";

interface FormProps {
  readonly schema: JsonObject;
  readonly value: JsonObject;
  readonly onChange: (name: string, value: unknown) => void;
  /** Names of fields at which something is wrong. */
  readonly wrong?: ReadonlySet<string>;
  readonly without?: readonly string[];
  /** Fields to show first beside those that must be given; the others are folded away. */
  readonly first?: readonly string[];
}

/** Whatever may be left out is folded away until it is given or wanted. */
export function SchemaForm({ schema, value, onChange, wrong = new Set(), without = [], first = [] }: FormProps) {
  const fields = fieldsOf(schema, without);
  const isShown = ({ name, required }: Field) => required || first.includes(name) || name in value || wrong.has(name);
  const shown = fields.filter(isShown);
  const folded = fields.filter((field) => !isShown(field));
  const input = (field: Field) => (
    <SchemaField
      key={field.name}
      field={field}
      value={value[field.name]}
      wrong={wrong.has(field.name)}
      onChange={(changed) => onChange(field.name, changed)}
    />
  );
  return (
    <>
      {shown.length > 0 && <div class="fields">{shown.map(input)}</div>}
      {folded.length > 0 && (
        <details class="more">
          <summary>{folded.length === 1 ? "1 more argument" : `${folded.length} more arguments`}</summary>
          <div class="fields">{folded.map(input)}</div>
        </details>
      )}
    </>
  );
}

interface FieldProps {
  readonly field: Field;
  readonly value: unknown;
  readonly wrong: boolean;
  readonly onChange: (value: unknown) => void;
}

export function SchemaField({ field, value, wrong, onChange }: FieldProps) {
  const id = useId();
  const { name, kind, required, description, standard } = field;
  return (
    <div class={kind.type === "flag" ? "field flag" : "field"}>
      <label for={id} title={description}>
        {name}
        {required && <span class="soft"> *</span>}
      </label>
      {kind.type === "flag" ? (
        <input
          id={id}
          type="checkbox"
          checked={typeof value === "boolean" ? value : standard === true}
          onChange={({ currentTarget: { checked } }) => onChange(checked === (standard === true) ? undefined : checked)}
        />
      ) : kind.type === "choice" ? (
        <select
          id={id}
          value={typeof value === "string" ? value : ""}
          aria-invalid={wrong}
          onChange={({ currentTarget }) => onChange(currentTarget.value || undefined)}
        >
          <option value="">{typeof standard === "string" ? `${standard} (usual)` : required ? "choose" : "—"}</option>
          {kind.of.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <TextInput id={id} kind={kind} value={value} standard={standard} wrong={wrong} onChange={onChange} />
      )}
    </div>
  );
}

interface TextProps extends Omit<FieldProps, "field"> {
  readonly id: string;
  readonly kind: Kind;
  readonly standard: unknown;
}

/** Keeps what was typed as it was typed, as long as it stands for the value. */
function TextInput({ id, kind, value, standard, wrong, onChange }: TextProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const shown = typed !== null && same(read(typed, kind), value) ? typed : write(value);
  return (
    <input
      id={id}
      type="text"
      inputMode={kind.type === "number" && kind.whole && (kind.min ?? -1) >= 0 ? "numeric" : undefined}
      autocomplete="off"
      spellcheck={false}
      placeholder={write(standard)}
      value={shown}
      aria-invalid={wrong}
      onInput={({ currentTarget }) => {
        setTyped(currentTarget.value);
        onChange(read(currentTarget.value, kind));
      }}
    />
  );
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function write(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "number")) return value.join(", ");
  return JSON.stringify(value);
}

/** What is no number stays text: the service says what it expects there. */
function read(text: string, kind: Kind): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (kind.type === "text") return text;
  if (kind.type === "number") return numberOr(trimmed);
  if (kind.type === "numbers" && !trimmed.startsWith("[")) {
    const parts = trimmed.split(/[\s,×x]+/).filter((part) => part !== "");
    return parts.length === 1 ? numberOr(trimmed) : parts.map(numberOr);
  }
  try {
    return JSON.parse(trimmed);
  } catch {
    return trimmed;
  }
}

const numberOr = (text: string): number | string => {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
};
