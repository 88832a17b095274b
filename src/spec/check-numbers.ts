/** Inputs that are looked up rather than computed with: an Embedding takes whole numbers below num_embeddings. */
import { DataError, type DataPlace, grouped } from "../data/data-error.ts";
import type { PreparedData } from "../data/prepare-data.ts";
import { type Examples, elementCount, layers } from "../engine/definitions.ts";
import type { DataFacts } from "./data-facts.ts";
import type { Component } from "./job-spec.ts";
import type { Mistakes } from "./mistakes.ts";

/** What the first layers want of every input. */
interface WantedNumbers {
  /** Whole numbers from 0 to below this. */
  readonly below: number;
  /** `layer 0 (Embedding)` */
  readonly layer: string;
}

/** A number among the inputs, and where it stands. */
export interface FoundNumber extends DataPlace {
  readonly value: number;
  /** `row 3, column "a": `, or nothing where `path` says it. */
  readonly text: string;
}

/** The inputs' smallest and largest number, and one that is not whole, if there is any. */
export interface InputNumbers {
  readonly min: FoundNumber;
  readonly max: FoundNumber;
  readonly fraction: FoundNumber | null;
}

/** At submission, with what is known of the data by then. */
export function checkNumbers(
  specs: readonly Component[],
  facts: DataFacts,
  path: "data" | "validation",
  mistakes: Mistakes,
): void {
  const wanted = wantedNumbers(specs);
  const wrong = wanted && facts.numbers && firstWrong(facts.numbers, wanted);
  if (wanted && wrong) mistakes.add(wrong.path ?? path, sentence(wrong, wanted));
}

/** Before training, with the data itself: what was not known at submission. Throws DataError. */
export function requireNumbers(specs: readonly Component[], { train, validation }: PreparedData): void {
  requireInputNumbers(specs, train, "data");
  if (validation) requireInputNumbers(specs, validation, "validation");
}

/** The same of inputs alone, as a trained model is asked with. Throws DataError. */
export function requireInputNumbers(
  specs: readonly Component[],
  given: Pick<Examples, "inputs" | "inputShape">,
  path?: string,
): void {
  const wanted = wantedNumbers(specs);
  const wrong = wanted && firstWrong(numbersIn(given), wanted);
  if (!wrong) return;
  const { row } = wrong;
  throw new DataError(sentence(wrong, wanted), { ...(path && { path }), ...(row !== undefined && { row }) });
}

/** Layers that hand their input on unchanged. */
const handsOn = new Set(["Identity", "Flatten", "Unflatten"]);

function wantedNumbers(specs: readonly Component[], prefix = ""): WantedNumbers | undefined {
  for (const [i, { type, ...args }] of specs.entries()) {
    const name = `${prefix}${i}`;
    const below = layers.get(type)?.wholeNumbersBelow?.(args);
    if (below !== undefined) return { below, layer: `layer ${name} (${type})` };
    if (type === "Sequential") return wantedNumbers(innerSpecs(args), `${name}.`);
    if (!handsOn.has(type)) return undefined;
  }
  return undefined;
}

const isComponent = (value: unknown): value is Component =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

const innerSpecs = (args: Readonly<Record<string, unknown>>): Component[] =>
  Array.isArray(args["layers"]) ? args["layers"].filter(isComponent) : [];

function firstWrong({ min, max, fraction }: InputNumbers, { below }: WantedNumbers): FoundNumber | undefined {
  if (fraction) return fraction;
  if (min.value < 0) return min;
  return max.value >= below ? max : undefined;
}

function sentence({ text, value }: FoundNumber, { below, layer }: WantedNumbers): string {
  return `${text}${value} has no embedding: ${layer} takes whole numbers from 0 to ${grouped(below - 1)}`;
}

/** `placeOf` says where the i-th number stands. */
export function numbersOf(
  values: ArrayLike<number>,
  placeOf: (i: number) => Omit<FoundNumber, "value">,
): InputNumbers | undefined {
  if (values.length === 0) return undefined;
  let [least, most, broken] = [0, 0, -1];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < (values[least] ?? 0)) least = i;
    if (value > (values[most] ?? 0)) most = i;
    if (broken < 0 && !Number.isInteger(value)) broken = i;
  }
  const found = (i: number): FoundNumber => ({ value: values[i] ?? 0, ...placeOf(i) });
  return { min: found(least), max: found(most), fraction: broken < 0 ? null : found(broken) };
}

function numbersIn({ inputs, inputShape }: Pick<Examples, "inputs" | "inputShape">): InputNumbers {
  const width = elementCount(inputShape);
  const nothing: FoundNumber = { value: 0, text: "" };
  const none: InputNumbers = { min: nothing, max: nothing, fraction: null };
  const placeOf = (i: number) => {
    const row = Math.floor(i / width) + 1;
    return { text: `sample ${grouped(row)}: `, row };
  };
  return numbersOf(inputs, placeOf) ?? none;
}
